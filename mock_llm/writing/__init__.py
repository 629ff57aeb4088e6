"""What a call will write: the ask that a model has accepted, its script, and the plan of its answer.

Comes in: a request without its wire format. It never knows how an answer looks or when it is sent.
"""
