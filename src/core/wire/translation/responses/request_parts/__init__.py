"""What a Responses request is made of: its input, the content in it, and its tools.

What comes in are members of a request that were decoded already, or turns. Nothing here raises but `Untranslatable`,
and it never knows which provider reads what is written.
"""
