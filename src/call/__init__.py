"""A call that costs money, in the order it happens: metered, admission, relay or endings, settlement; and free calls.

Comes in: a request on its way, its caller, its route. It never knows the platform, and it decides
no amount: the core does.
"""
