"""AgentWatch asked over HTTP. What comes in: a method, a path and a body; it never knows what is seen of the answer."""
