"""How AgentWatch's edge is reached: connections, deadlines, threads, and the queue of reports. What comes in: questions
and encoded reports as `protocol` has them; it never knows a client, a session or what a report says.
"""
