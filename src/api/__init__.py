"""AgentWatch's own routes, one noun a file.

Comes in: a request that fits its route's types, whose caller is known unless the route is public. A handler asks ports
and renders; it never knows another handler, nor how a provider is called.
"""
