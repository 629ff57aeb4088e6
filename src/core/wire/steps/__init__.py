"""What an agent has been doing, told from the transcript in a request: its steps, and whether they repeat themselves.

What comes in: a request body that was planned already, its dialect's name, and a key to digest with. It never knows a
session, a rule or a price, and nothing it answers holds a word of what it read.
"""
