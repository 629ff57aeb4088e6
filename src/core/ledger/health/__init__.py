"""Which targets of a tenant's chain are cooling down, as one bounded value and its arithmetic. What comes in: what
ended attempts tell of their targets, and who asks to pass. It never knows an answer, a status, a chain, or a row.
"""
