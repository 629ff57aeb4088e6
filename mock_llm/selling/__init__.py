"""What the providers sell and how they count it: models, prices, tokens, usage.

Comes in: a model's name or a text. It never knows a wire format or a connection.
"""
