"""A call that costs money: what it is planned to be, what it can cost, and what its stream is charged as it passes.

Comes in: a parsed request, a price, the bytes of an answer. It never knows an account, a socket or a clock.
"""
