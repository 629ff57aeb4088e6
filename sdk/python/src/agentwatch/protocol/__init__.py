"""What AgentWatch and the SDK say to each other: questions, answers, reports, and what each status means for whoever
asked. What comes in: values of a call, and JSON that was read; it never knows a socket, a clock, a thread or a client.
"""
