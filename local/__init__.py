"""The local stack: both Workers in the genuine runtime, PostgreSQL, PostgREST and mock providers.

Nothing here is deployed and nothing that is deployed imports it.
"""
