"""Code that mypy accepts."""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Unpack

from django.http import HttpRequest, HttpResponse

from streamsite.streams import (
    Cursor,
    End,
    NoSuchStream,
    Pieces,
    Policy,
    Producer,
    PublishOptions,
    PublishToken,
    Stopped,
    Stream,
    StreamError,
    StreamQuerySet,
    SyncProducer,
    areserve,
    follow,
    publish,
    reserve,
    start,
    stop,
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


def write(producer: SyncProducer, text: str) -> bool:
    try:
        producer.write(text)
    except Stopped:
        return producer.stream.ended_at is None
    except StreamError as error:
        print(error.status, error.detail)
    return True


async def copy(name: str, producer: Producer) -> End | None:
    try:
        async for batch in follow(name, after=Cursor(0, 17)):
            for record in batch:
                if isinstance(record, Pieces):
                    for text in record.texts:
                        await producer.write(text)
                elif isinstance(record, End):
                    return record
    except NoSuchStream:
        await stop(producer.stream, "There is nothing to copy.")
    return None


class Closed(Policy):
    def publisher(self, request: HttpRequest, name: str) -> PublishToken | None:
        return None

    def listed(self, request: HttpRequest) -> StreamQuerySet:
        return super().listed(request).live()
