"""What AgentWatch hands to others by which they tell who is asking: a key's record for KV, a token for the database.

Comes in: keys and tenants. It never knows a token of a key.
"""
