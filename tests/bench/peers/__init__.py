"""The peers of the benchmark. Each is written as the documentation of its framework shows."""
