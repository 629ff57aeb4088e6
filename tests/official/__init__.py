"""The official clients' own test suites with the watched clients in their place: what comes in are the suites from
their source distributions; nothing here knows what they test.
"""
