"""The Ledger's rows: typed values to and from SQL, and the tables that take turns so that forgetting costs nothing.

What comes in are values of the core and an SQL connection. It never knows what is in memory, nor the platform.
"""
