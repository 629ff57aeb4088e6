"""Where a request goes: what each path under a provider costs, and which headers and query pass to it and back.

Comes in: a path, headers, an address. It never knows a body, a price or a budget.
"""
