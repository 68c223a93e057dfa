"""Reading: one tail of each stream in a process, whoever reads it."""
