"""A tenant's rules: how they are written, how they are compiled, and what the request half of each makes of a call.
What comes in: a document, and the facts of one request; it never knows a session's history beyond the names of its
facts, and never what a ruling leads to.
"""
