"""Tests of the engine from outside: sources in one process, servers in others, raw sockets."""
