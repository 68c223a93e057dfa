"""Clients that see the very bytes, and accept none that the protocols don't allow.

Each parser reads from a binary file, so the same one reads a socket and a recording of one.
"""
