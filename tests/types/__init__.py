"""Code as a user of the engine writes it, for mypy. Nothing runs this code."""
