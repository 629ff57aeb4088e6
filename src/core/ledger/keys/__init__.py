"""A tenant's keys: what an administrator says of each, the tokens it goes by, and what is said of both to its Ledger.

Comes in: terms and digests. It never knows a token.
"""
