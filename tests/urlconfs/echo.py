"""The site with a WebSocket that sends each message back."""

from typing import Any

from django.http import HttpRequest
from django.urls import path

from streamsite.streams import BadRequest, endpoint
from streamsite.urls import urlpatterns as of_the_site
from tests.inside.echo import echo


@endpoint("GET", websocket=echo)
async def refuse(request: HttpRequest) -> Any:
    raise BadRequest("This is the address of a WebSocket.")


urlpatterns = [path("echo", refuse), *of_the_site]
