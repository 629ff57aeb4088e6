"""AgentWatch beside other gateways: the same calls to the same mock provider in turns, and one cap against many calls.

The peers are installed on demand, pinned, each into a folder of its own; one that cannot be is reported and left out.
"""
