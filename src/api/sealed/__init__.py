"""What an administrator entrusts to us under seal: provider keys, and secrets of webhooks. Comes in: requests of one
tenant's administrator. It never knows how a text is sealed, and shows nothing of it but its last four characters.
"""
