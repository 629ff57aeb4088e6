"""What requests, answers, addresses and errors of the clients say, as numbers and names. What comes in are their bodies
and exceptions; it never knows a client, a budget or a connection, and changes nothing but copies.
"""
