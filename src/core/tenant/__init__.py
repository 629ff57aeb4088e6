"""Who is calling and what its tenant has decided: tokens, provider keys, its documents, what shared accounts allow.

Comes in: headers and stored documents. It never knows where a document is stored, or what a call costs.
"""
