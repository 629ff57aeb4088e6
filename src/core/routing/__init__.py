"""Where a request goes: what each path under a provider costs, which headers and query pass to it and back, and whose
fault it is when nothing comes of it.

Comes in: a path, headers, an address, and what a provider answers when it fails. It never knows a price or a budget.
"""
