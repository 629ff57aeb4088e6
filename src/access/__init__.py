"""Who comes in: identity and policy of the caller, strangers turned away, and what is told of both.

Comes in: a request's headers and address. It never knows what is asked for, or what it costs.
"""
