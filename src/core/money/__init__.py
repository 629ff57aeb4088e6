"""Money: amounts, counts of tokens, the price table, and what one costs in the other.

Comes in: a model's name, texts to size, counts that a provider stated. It never knows a request or an account.
"""
