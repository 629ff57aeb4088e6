"""What a tenant entrusts to us under seal: its provider keys, and the secrets that its webhooks are signed with.

Comes in: the setting with our keys, and documents of sealed texts. It never knows a plain text that it could show, and
does no cryptography: that is the platform's (`ports.Sealing`).
"""
