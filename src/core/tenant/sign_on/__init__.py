"""Single sign-on: what Cloudflare Access says of who is there, and what a tenant makes of it.

What comes in: the text of an assertion, the claims in it, the team's keys, a tenant's list. It never knows how a key
is fetched or a signature verified, and never what a person then does.
"""
