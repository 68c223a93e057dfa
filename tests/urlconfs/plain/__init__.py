"""A project that mounts the engine and keeps the ASGI application of `startproject`."""
