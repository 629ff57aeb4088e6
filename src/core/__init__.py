"""The core decides. It is pure: standard library and msgspec only, no I/O, no clock, no randomness.

What comes in are values; time enters as `now_ms`, identifiers as arguments. It never knows who calls it: everything
here runs under host CPython and in the Worker.
"""
