"""The command `agentwatch`: AgentWatch administered from a terminal or a script. What comes in: arguments, the
environment and answers of AgentWatch; it never knows a price or a rule's meaning. Nothing of the SDK imports it.
"""
