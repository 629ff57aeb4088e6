"""What happens to a request: its API is found, the call accepted, delivered at its pace and entered in the journal.

Comes in: HTTP. It never knows what a body means; the wire formats do.
"""
