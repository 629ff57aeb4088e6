"""What a chat request is made of: its messages, the content in them, its tools, and how hard to think.

What comes in are members of a request that were decoded already, or turns. It
never knows who serves, and raises nothing but `Untranslatable`.
"""
