"""The URLconf of the site, with a page of Django that starts a stream."""

from collections.abc import AsyncIterator

from django.http import HttpRequest, HttpResponse
from django.urls import path

from streamsite.streams import start
from streamsite.urls import urlpatterns as urls_of_site


async def words() -> AsyncIterator[str]:
    yield "word "


async def begin(request: HttpRequest) -> HttpResponse:
    stream = await start(None, words())
    return HttpResponse(stream.name)


urlpatterns = [path("begin", begin), *urls_of_site]
