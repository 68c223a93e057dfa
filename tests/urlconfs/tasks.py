"""The URLconf of the site, with what the server's process holds."""

import asyncio
import gc

from django.http import HttpRequest, JsonResponse
from django.urls import path

from streamsite.daphne.channel import Channel
from streamsite.streams import endpoint
from streamsite.urls import urlpatterns as urls_of_site


@endpoint("GET")
async def tasks(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"tasks": len(asyncio.all_tasks())})


@endpoint("GET")
async def garbage(request: HttpRequest) -> JsonResponse:
    """Answer how many objects only the garbage collector frees, and stop it until the next call.

    `channels` is the number of Daphne's connections that are left, this one included.
    """
    gc.disable()
    freed = gc.collect()
    channels = sum(isinstance(left, Channel) for left in gc.get_objects())
    return JsonResponse({"freed": freed, "channels": channels})


urlpatterns = [path("tasks", tasks), path("garbage", garbage), *urls_of_site]
