"""The ASGI application of the project."""

from django.core.asgi import get_asgi_application

from streamsite.streams.asgi import streams_application

application = streams_application(get_asgi_application())
