"""Commands that read what happened: usage, events, calls as they end, and messages that nobody could deliver. What
comes in: an `Invocation` and what was typed; a command never knows how a row came about.
"""
