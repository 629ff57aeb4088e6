"""Commands on a tenant's documents: configuration, rules, failover, prices. What comes in: an `Invocation` and what was
typed; a command never knows what a member means, AgentWatch judges that.
"""
