"""The Ledger, one Durable Object per tenant, from the object itself down to its rows.

What comes in are messages of `core.ledger.messages`, as text, and moments. It never knows HTTP, a provider or a key.
"""
