"""Prices as a document: how they are written, how they are read, and what is odd about them.
What comes in: a text, and the prices that hold without it; it never knows a call, nor whose document it is: a tenant's
and the platform's are read alike.
"""
