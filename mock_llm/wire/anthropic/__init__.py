"""Anthropic messages, and the counting of their tokens.

Comes in: a request's bytes, or the plan of an answer. It never knows which other formats there are.
"""
