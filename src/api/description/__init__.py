"""Our own routes described for machines: the OpenAPI document at `/openapi.json`.

What comes in is the table of routes, with its types and with examples of what they take and answer; it never knows a
request, nor what a handler does.
"""
