"""Routes of whoever runs the deployment: tenants and what they cannot change.

Comes in: requests with the operator's token. It never knows what a tenant has spent, or what is in its calls.
"""
