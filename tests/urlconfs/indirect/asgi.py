"""The ASGI application of the project."""

from ..wrapped.asgi import application as application
