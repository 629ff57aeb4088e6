"""A cap against many calls at once: through AgentWatch, and through a Worker that checks before and charges after."""
