"""The commands, a file for each noun. What comes in: an `Invocation` and what was typed, read by its types; a command
never knows HTTP, nor whether people or programs read what it shows.
"""
