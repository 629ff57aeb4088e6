"""Benchmarks of the local stack: what AgentWatch adds to a call, and what its memory does.

`python -m bench` prints tables and writes the same figures as JSON under `bench/results/`.
"""
