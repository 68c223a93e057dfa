"""The four endpoints of the article in a stock Django project with Channels.

The settings are those of `startproject`. Settings, URLs, views and consumers are in this module.
"""

# ruff: noqa: E402 - imports after the settings, which they need

import asyncio
import itertools
import json
import os
import time
from pathlib import Path

from django.conf import settings

settings.configure(
    ROOT_URLCONF=__name__,
    SECRET_KEY="nothing here is secret",
    ALLOWED_HOSTS=["127.0.0.1"],
    INSTALLED_APPS=[
        "daphne",
        "django.contrib.admin",
        "django.contrib.auth",
        "django.contrib.contenttypes",
        "django.contrib.sessions",
        "django.contrib.messages",
        "django.contrib.staticfiles",
    ],
    MIDDLEWARE=[
        "django.middleware.security.SecurityMiddleware",
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.middleware.common.CommonMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
        "django.contrib.messages.middleware.MessageMiddleware",
        "django.middleware.clickjacking.XFrameOptionsMiddleware",
    ],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    CHANNEL_LAYERS={"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}},
)

from django.core.asgi import get_asgi_application

django_application = get_asgi_application()

from channels.generic.websocket import AsyncWebsocketConsumer
from channels.layers import get_channel_layer
from channels.routing import ProtocolTypeRouter, URLRouter
from django.http import JsonResponse, StreamingHttpResponse
from django.urls import path

PIECES: list[str] = json.loads(Path(os.environ["BENCH_PIECES"]).read_text())
LONG = int(os.environ["BENCH_LONG"])
PACE = 0.1


# The article's endpoints.


def polling(request):
    cnt = int(request.GET.get("cnt", 1))
    if not 0 <= cnt < len(PIECES):
        return JsonResponse({"detail": "Invalid index"}, status=400)
    return JsonResponse({"message": PIECES[cnt]})


async def paced():
    for piece in PIECES:
        yield piece
        await asyncio.sleep(PACE)


async def as_events(pieces):
    async for piece in pieces:
        data = piece.replace("\n", "\ndata: ")
        yield f"data: {data}\n\n"


async def chunked(request):
    return StreamingHttpResponse(paced(), content_type="text/plain; charset=utf-8")


async def events(request):
    return StreamingHttpResponse(as_events(paced()), content_type="text/event-stream")


class PacedConsumer(AsyncWebsocketConsumer):
    async def connect(self):
        await self.accept()
        self.sending = asyncio.create_task(self.send_pieces())

    async def send_pieces(self):
        async for piece in self.pieces():
            await self.send(text_data=piece)
        await self.close()

    def pieces(self):
        return paced()

    async def disconnect(self, code):
        self.sending.cancel()


# A finished stream, for a viewer who joins late.


async def at_once():
    for piece in itertools.islice(itertools.cycle(PIECES), LONG):
        yield piece


async def late_chunked(request):
    return StreamingHttpResponse(at_once(), content_type="text/plain; charset=utf-8")


async def late_events(request):
    return StreamingHttpResponse(as_events(at_once()), content_type="text/event-stream")


class LateConsumer(PacedConsumer):
    def pieces(self):
        return at_once()


# Live streams: each has a group, to which its producer sends the pieces.

producers = set()


async def produce(name, pieces, every):
    layer = get_channel_layer()
    began = time.monotonic()
    for n in range(pieces):
        await asyncio.sleep(began + n * every - time.monotonic())
        text = f"@{time.monotonic_ns()}@ {PIECES[n % len(PIECES)]}"
        await layer.group_send(name, {"type": "piece", "text": text})
    await layer.group_send(name, {"type": "end"})


async def go(request):
    streams, pieces = int(request.GET["streams"]), int(request.GET["pieces"])
    for n in range(streams):
        name = request.GET["name"].format(n)
        task = asyncio.create_task(produce(name, pieces, float(request.GET["every"])))
        producers.add(task)
        task.add_done_callback(producers.discard)
    return JsonResponse({})


async def live(name):
    layer = get_channel_layer()
    channel = await layer.new_channel()
    await layer.group_add(name, channel)
    try:
        while (message := await layer.receive(channel))["type"] == "piece":
            yield message["text"]
    finally:
        await layer.group_discard(name, channel)


async def live_chunked(request, name):
    return StreamingHttpResponse(live(name), content_type="text/plain; charset=utf-8")


async def live_events(request, name):
    async def body():
        # Daphne sends the head of a response only with the first part of the body.
        yield ": welcome\n\n"
        async for event in as_events(live(name)):
            yield event

    return StreamingHttpResponse(body(), content_type="text/event-stream")


class LiveConsumer(AsyncWebsocketConsumer):
    async def connect(self):
        self.name = self.scope["url_route"]["kwargs"]["name"]
        await self.channel_layer.group_add(self.name, self.channel_name)
        await self.accept()

    async def piece(self, event):
        await self.send(text_data=event["text"])

    async def end(self, event):
        await self.close()

    async def disconnect(self, code):
        await self.channel_layer.group_discard(self.name, self.channel_name)


urlpatterns = [
    path("polling", polling),
    path("chunked", chunked),
    path("events", events),
    path("late/chunked", late_chunked),
    path("late/events", late_events),
    path("bench/go", go),
    path("<str:name>/chunked", live_chunked),
    path("<str:name>/events", live_events),
]

application = ProtocolTypeRouter(
    {
        "http": django_application,
        "websocket": URLRouter(
            [
                path("ws", PacedConsumer.as_asgi()),
                path("late/ws", LateConsumer.as_asgi()),
                path("<str:name>/ws", LiveConsumer.as_asgi()),
            ]
        ),
    }
)
