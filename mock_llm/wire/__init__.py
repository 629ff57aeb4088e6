"""The providers' wire formats: each reads one request format and writes its answers and errors, whole or as a stream.

Comes in: bytes, or the plan of an answer. It never knows a connection, and it knows no price.
"""
