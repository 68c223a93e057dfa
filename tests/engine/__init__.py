"""The engine, from outside: sources in one process, servers in others, readers on raw sockets."""
