"""What a ledger carries out: charged calls and messages to the queue, copies into KV, outcomes to whoever asks.

What comes in has been written or decided already. It never knows the queue or KV: the alarm asks what is next, and says
what has arrived.
"""
