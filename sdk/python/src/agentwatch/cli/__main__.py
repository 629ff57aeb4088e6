"""`python -m agentwatch.cli` is the command `agentwatch`."""

from .main import main

main()
