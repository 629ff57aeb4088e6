"""Who has signed on to a tenant, as its Ledger remembers it: which person an address stands for.

Comes in: addresses and subs that an edge has verified. It never knows an assertion, nor what a person may do.
"""
