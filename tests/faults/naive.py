"""A naive service: viewers join a group of the channel layer, and nothing keeps what was sent.

It speaks the engine's formats, so that the same readers read it. The source numbers the pieces and
hashes the text, so a viewer can notice what it has missed.
"""

import asyncio
import hashlib
import json
import os
from collections import Counter
from typing import Any
from urllib.parse import parse_qs

from channels_redis.pubsub import RedisPubSubChannelLayer

Message = dict[str, Any]


def new_layer(url: str) -> RedisPubSubChannelLayer:
    return RedisPubSubChannelLayer(hosts=[{"address": url, "socket_timeout": None}])


def group_of(name: str) -> str:
    return f"naive.{name}"


class Source:
    """What sends the pieces of a stream to its group, in the process of the test."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._n = 0
        self._hash = hashlib.sha256()

    async def write(self, layer: Any, texts: list[str], pause: float) -> None:
        for text in texts:
            await self._send(layer, {"n": self._n, "text": text})
            self._n += 1
            self._hash.update(text.encode())
            await asyncio.sleep(pause)

    async def end(self, layer: Any) -> None:
        await self._send(layer, {"end": "done", "n": self._n, "sha256": self._hash.hexdigest()})

    async def _send(self, layer: Any, record: Message) -> None:
        await layer.group_send(group_of(self.name), {"type": "record", "record": record})


layer: Any = None
# How many viewers are in the group of a stream.
members: Counter[str] = Counter()


async def application(scope: Any, receive: Any, send: Any) -> None:
    """Serve /stream/<name>/polling, chunked, events and ws, and /healthz."""
    global layer
    layer = layer or new_layer(os.environ["REDIS_URL"])
    await receive()
    *_, name, kind = scope["path"].split("/")
    if kind == "healthz":
        await answer(send, b"{}", "application/json")
        return
    if kind == "members":
        await answer(send, str(members[name]).encode(), "application/json")
        return
    channel = await layer.new_channel()
    await layer.group_add(group_of(name), channel)
    members[name] += 1
    try:
        await SERVE[kind](scope, send, channel)
    finally:
        members[name] -= 1
        await layer.group_discard(group_of(name), channel)


async def record_of(channel: str) -> Message:
    return (await layer.receive(channel))["record"]


async def answer(send: Any, body: bytes, kind: str) -> None:
    headers = [(b"content-type", kind.encode()), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def poll(scope: Any, send: Any, channel: str) -> None:
    record: Message = {}
    try:
        async with asyncio.timeout(1):
            record = await record_of(channel)
    except TimeoutError:
        pass
    after = parse_qs(scope["query_string"].decode())["after"][0]
    found: Message = {"pieces": [], "after": int(after), "state": record.get("end", "live")}
    if "text" in record:
        found |= {"pieces": [record["text"]], "after": record["n"] + 1}
    elif record:
        found |= {"after": record["n"], "sha256": record["sha256"]}
    await answer(send, json.dumps(found).encode(), "application/json")


async def stream(scope: Any, send: Any, channel: str) -> None:
    events = scope["path"].endswith("events")
    kind = b"text/event-stream" if events else b"application/x-ndjson"
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", kind)]})
    start = b"retry: 1000\n\n" if events else b"\n"
    await send({"type": "http.response.body", "body": start, "more_body": True})
    record: Message = {}
    while "end" not in record:
        record = await record_of(channel)
        line = json.dumps(record)
        if events:
            end = "event: end\n" if "end" in record else ""
            line = f"{end}id: {record['n'] + (not end)}\ndata: {line}\n"
        await send({"type": "http.response.body", "body": f"{line}\n".encode(), "more_body": True})
    await send({"type": "http.response.body", "body": b""})


async def ws(scope: Any, send: Any, channel: str) -> None:
    await send({"type": "websocket.accept", "subprotocol": scope["subprotocols"][0]})
    record: Message = {}
    while "end" not in record:
        record = await record_of(channel)
        await send({"type": "websocket.send", "text": json.dumps(record)})
    await send({"type": "websocket.close", "code": 1000})


SERVE = {"polling": poll, "chunked": stream, "events": stream, "ws": ws}
