"""Workers that stand beside AgentWatch, or around it, while it is measured. They run in the runtime, not here."""
