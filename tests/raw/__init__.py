"""Strict clients on raw sockets: they expose every byte and refuse what the protocols don't allow.

Each parser reads from a binary file, so the same parser reads a socket and a recording.
"""
