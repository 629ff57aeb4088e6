"""What SDKs ask and tell of calls that they make by themselves: checks, holds and reports. What comes in are decoded
requests of one tenant; it never knows what a call said, nor who else is asked about it.
"""
