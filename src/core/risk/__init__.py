"""What in a request is a secret or about a person. What comes in: texts and request bodies; it never knows a tenant, a
rule, or what a call costs, and what it finds leaves it as a tag, never as text.
"""
