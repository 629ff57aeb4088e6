"""What has been recorded, read back: usage, calls, events, dead letters. What comes in are decoded queries of somebody
whose role suffices; who sees which rows is the database's own to decide, by the token that goes along. It never knows
how records get there.
"""
