"""Which AgentWatch a command asks, and with which token. What comes in: options, the environment, the profiles' file;
it never knows what the token may do.
"""
