"""Views that stream: `shop/views.py` of the project."""

import asyncio

from asgiref.sync import async_to_sync
from django.db import transaction
from django.http import JsonResponse, StreamingHttpResponse

from streamsite.streams import find, follow, publish, reserve, start, texts

WORDS = ["You ", "asked: ", "why"]


async def model():
    for word in WORDS:
        await asyncio.sleep(0.01)
        yield word


async def endless():
    while True:
        yield "tick "
        await asyncio.sleep(0.01)


async def broken():
    yield "It "
    raise ValueError("a secret")


SOURCES = {"model": model, "endless": endless, "broken": broken}


async def ask(request):
    user = await request.auser()
    source = SOURCES[request.GET.get("source", "model")]()
    owner = user if user.is_authenticated else None
    return JsonResponse({"name": (await start(None, source, owner=owner)).name})


async def loop(request):
    stream = await start(None, model())
    return StreamingHttpResponse(texts(follow(stream)))


def task(name):
    with publish(name) as stream:
        for word in WORDS:
            stream.write(word)


def job(request):
    stream = reserve(owner=request.user if request.user.is_authenticated else None)
    transaction.on_commit(lambda: task(stream.name))
    return JsonResponse({"name": stream.name})


def look(request, name):
    """A synchronous view that calls asynchronous code of the engine."""
    return JsonResponse({"state": async_to_sync(find)(name).state})
