"""The URLconf of the site, with the number of the tasks in the server's event loop."""

import asyncio

from django.http import HttpRequest, JsonResponse
from django.urls import path

from streamsite.streams import endpoint
from streamsite.urls import urlpatterns as urls_of_site


@endpoint("GET")
async def tasks(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"tasks": len(asyncio.all_tasks())})


urlpatterns = [path("tasks", tasks), *urls_of_site]
