"""Code that mypy accepts."""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Unpack

from django.http import HttpRequest, HttpResponse

from streamsite.streams import (
    PublishOptions,
    Stream,
    areserve,
    publish,
    reserve,
    start,
)


async def model(question: str) -> AsyncIterator[str]:
    yield question


async def ask(request: HttpRequest) -> HttpResponse:
    owner = await request.auser()
    stream = await start(None, model("why"), title="Why", owner=owner, visibility="link")
    reserved: Stream = await areserve("later", owner=owner, within=60)
    await start(reserved, model("why"), abandon=60)
    text: str = await stream.atext()
    return HttpResponse(stream.url + stream.get_absolute_url() + text)


def shown(request: HttpRequest) -> list[Stream]:
    streams = Stream.objects.live().visible_to(request.user)
    return list(streams | Stream.objects.visible_to(None).ended().filter(title=""))


async def answer(question: str, **options: Unpack[PublishOptions]) -> datetime:
    stream = await start(None, model(question), **options)
    return stream.started_at


def run(request: HttpRequest) -> int:
    stream = reserve(title="Run", owner=request.user)
    with publish(stream, takeover=True) as producer:
        producer.write("text")
    return producer.n
