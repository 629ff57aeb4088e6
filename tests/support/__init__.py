"""The ports in memory, for tests that run on CPython."""
