"""Adapters between the ports and Cloudflare's bindings: the only code that knows JavaScript."""
