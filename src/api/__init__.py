"""AgentWatch's own routes, one noun a file.

Comes in: a request whose caller is known. A handler asks ports and renders;
it never knows another handler or a provider.
"""
