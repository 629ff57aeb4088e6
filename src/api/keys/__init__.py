"""A tenant's keys over HTTP, and who is asking.

Comes in: terms. A token goes out once, in the answer to the request that made it, and it never knows one after that.
"""
