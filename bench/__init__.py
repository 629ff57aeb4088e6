"""Benchmarks of the local stack: what AgentWatch adds to a call, what a call costs, whether a cap holds and
whether memory does.

`python -m bench` prints tables and writes the same figures as JSON under `bench/results/`.
"""
