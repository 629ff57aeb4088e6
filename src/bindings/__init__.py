"""Adapters between the ports and Cloudflare's bindings: the only code of the edge Worker that knows JavaScript.

What comes in are a binding and plain values. An adapter keeps its deadline; it never knows what a request is about.
"""
