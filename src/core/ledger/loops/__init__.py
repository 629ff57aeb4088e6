"""What a session has been doing, and what rules make of it. What comes in: ended calls, the call that is being decided,
and the rules whose request half it matches. It never knows a text, a tenant's document, or a row.
"""
