"""What a Ledger keeps besides money, and what is said of that: messages for a queue that is away, who there is.

Comes in: texts and names. It never knows an amount.
"""
