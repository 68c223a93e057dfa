"""A project whose asgi.py takes its application from another module."""
