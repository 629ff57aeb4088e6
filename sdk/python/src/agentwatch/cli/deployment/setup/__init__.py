"""From a checkout to a deployment, step by step. In here comes in: what wrangler, psql and the deployment answer, and
what the user says. It never knows how one looks whether a deployment is well.
"""
