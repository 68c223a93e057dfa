"""Writing: a source into the log."""
