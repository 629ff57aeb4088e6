"""What the platform's cryptography does for us.

Comes in: keys and texts. It never knows whose they are, nor what for.
"""
