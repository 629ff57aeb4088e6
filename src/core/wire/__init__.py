"""The wire: requests, answers and streams of every dialect as bytes, and what they say as typed values (`facts`).

Comes in: bytes, whole or in pieces. It never knows what anything costs, who is calling, or where bytes go.
"""
