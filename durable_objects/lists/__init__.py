"""Pages of what a ledger keeps many of, from its rows and its memory.

Comes in: where a page begins and how long it may be. It never knows who asks.
"""
