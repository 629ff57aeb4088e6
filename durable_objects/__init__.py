"""The Ledger, one Durable Object per tenant: `object` is the way in, `service` answers what is asked, `state` changes
money in rows (`storage`) and then in `memory`, and the `alarm` does what is due.

What comes in are questions (`core.ledger.questions`), as text, and moments. It never knows HTTP, a provider or a key.
"""
