"""What the benchmarks measure with: a client that adds little, the calls it makes, processor time and memory."""
