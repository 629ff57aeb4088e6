"""People who sign on to a tenant, in its Ledger.

What comes in are questions of the core. It never knows an assertion, and never the platform.
"""
