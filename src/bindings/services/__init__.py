"""What is asked of other services by `fetch`: the database's REST API, Access's key server.

Comes in: an address and what to ask. It never knows what is asked for, or why.
"""
