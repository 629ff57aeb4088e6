"""What people and programs see. What comes in: documents of AgentWatch, and words of ours; it never knows what was
asked, and writes nothing that AgentWatch sent without making it harmless first.
"""
