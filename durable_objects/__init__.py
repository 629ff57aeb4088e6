"""The Durable Objects of the edge Worker, and what they are made of."""
