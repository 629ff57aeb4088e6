"""Bringing a deployment into being (`init`) and looking whether it is well (`doctor`). In here comes in: arguments and
the environment; it never knows what the other commands do.
"""
