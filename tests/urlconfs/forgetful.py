"""The site with a view that forgets to await the writing of a piece."""

from django.http import HttpRequest, HttpResponse
from django.urls import path

from streamsite.streams import publish
from streamsite.urls import urlpatterns as of_the_site


async def forget(request: HttpRequest) -> HttpResponse:
    async with publish("forgotten") as stream:
        stream.write("Hello")
    return HttpResponse("done")


urlpatterns = [path("forget", forget), *of_the_site]
