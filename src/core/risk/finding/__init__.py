"""What in a text is a secret or about a person, and where. What comes in: one text; it never knows a request, a dialect
or what becomes of what it finds. The standard library is all it uses, by relative imports, because the Python SDK ships
this folder as its own.
"""
