"""Who hears of a tenant's alerts: the addresses that may be, and those that its configuration names.

Comes in: addresses, and the tenant's documents. It never knows what is sent there.
"""
