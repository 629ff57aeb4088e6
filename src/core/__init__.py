"""The core decides. It is pure: standard library and msgspec only, no I/O, no clock, no randomness.

Time enters as `now_ms`, identifiers as arguments. Everything here runs under host CPython and in the Worker.
"""
