"""A conversation made fit for the model it goes to: what that model refuses is taken out, mapped, or a reason to leave
the hop out.

What comes in is a conversation as a caller's dialect was read, or the caller's own bytes where they go to another model
of the same provider. Nothing here reads or writes a dialect's messages, and it never knows prices, keys or the clock.
"""
