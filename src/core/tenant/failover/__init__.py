"""A tenant's failover: how chains are written, judged and compiled, and which of them a call has.

What comes in: a document, and the name of a model; it never knows what a provider answers, whether one is up, or what
an attempt came to.
"""
