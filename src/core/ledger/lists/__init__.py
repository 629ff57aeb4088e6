"""What a ledger keeps many of, page by page: a tenant's sessions and teams, and the deployment's tenants.

Comes in: where a page begins and how long it may be. It never knows who may see what of it.
"""
