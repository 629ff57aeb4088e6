"""Whether a deployment is well, check by check. In here comes in: what it answers over HTTP, and a key or two.
It never knows how it was brought into being, nor how a finding is shown.
"""
