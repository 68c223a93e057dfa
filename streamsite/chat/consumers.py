"""The WebSocket for the `WebSocketChatTransport` of npm `ai`, from version 7.0.135.

One connection carries several requests, each under a `requestId` of the client:

    client  {"type": "send", "requestId": "r1", "id": "…", "messages": […], "trigger": "…"}
    server  {"type": "start", "requestId": "r1"}
    server  {"type": "chunk", "requestId": "r1", "sequence": 0, "chunk": {"type": "start", …}}
    client  {"type": "abort", "requestId": "r1"}
    server  {"type": "chunk", "requestId": "r1", "sequence": 9, "chunk": {"type": "abort"}}
    server  {"type": "end", "requestId": "r1"}

A `resume` gets the whole answer, or `no-active`. An `abort` stops the answer. A connection that is
lost stops nothing.
"""

import asyncio
import json
from contextlib import aclosing
from typing import Any

from django.contrib.sessions.middleware import SessionMiddleware
from django.http import HttpRequest, HttpResponse
from django.utils.translation import get_language_from_request

from streamsite.streams import (
    BadRequest,
    Consumer,
    Stream,
    StreamError,
    TooMany,
    follow,
    handshake_request,
    in_database,
    stop,
)

from .answers import answer
from .conversations import Visitor, live_answer
from .encoding import parts_in
from .questions import read_asked, read_key

# Requests that a connection may have open at once.
MAX_REQUESTS = 16


class ChatConsumer(Consumer):
    """Answer the frames of one front end."""

    async def connect(self) -> None:
        request = handshake_request(self.scope)
        self.visitor, headers = await in_database(_greet, request)
        self.language = get_language_from_request(request)
        self.answers: dict[str, tuple[Stream, asyncio.Task[None]]] = {}
        await self.accept(headers=headers)

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        request_id = ""
        try:
            frame = read_frame(text_data)
            request_id = read_key(frame.get("requestId"), "requestId")
            await self._handle(frame, request_id)
        except StreamError as error:
            # The AI SDK reads `errorText` alone. The status is the one that HTTP would have.
            await self._send("error", request_id, errorText=error.detail, status=error.status)

    async def _handle(self, frame: dict[str, Any], request_id: str) -> None:
        match frame.get("type"):
            case "send":
                self._check_requests(request_id)
                stream = await answer(self.visitor, read_asked(frame), self.language)
                self._follow(request_id, stream)
            case "resume":
                self._check_requests(request_id)
                key = read_key(frame.get("id"), "id")
                live = await live_answer(self.visitor, key)
                if live is None:
                    await self._send("no-active", request_id)
                else:
                    self._follow(request_id, live)
            case "abort":
                if request_id in self.answers:
                    await stop(self.answers[request_id][0])
            case _:
                raise BadRequest('"type" is not valid. Use one of send, resume, abort.')

    def _check_requests(self, request_id: str) -> None:
        if request_id in self.answers:
            raise BadRequest(f"The requestId {request_id!r} is in use. Use another one.")
        if len(self.answers) >= MAX_REQUESTS:
            raise TooMany(f"{MAX_REQUESTS} requests are open. Wait for the end of one.")

    def _follow(self, request_id: str, stream: Stream) -> None:
        task = asyncio.create_task(self._send_answer(request_id, stream))
        self.answers[request_id] = stream, task

        def forget(_: object) -> None:
            del self.answers[request_id]

        task.add_done_callback(forget)

    async def _send_answer(self, request_id: str, stream: Stream) -> None:
        await self._send("start", request_id)
        head = f'{{"type":"chunk","requestId":{json.dumps(request_id)},"sequence":'
        json_parts = parts_in(self.language)
        sequence = 0
        async with aclosing(follow(stream, transport="chat")) as batches:
            async for batch in batches:
                for record in batch:
                    for part in record.encoded(json_parts):
                        await self.send(f'{head}{sequence},"chunk":{part}}}')
                        sequence += 1
        await self._send("end", request_id)

    async def _send(self, kind: str, request_id: str, **members: str | int) -> None:
        frame = {"type": kind, "requestId": request_id, **members}
        await self.send(json.dumps(frame, ensure_ascii=False))

    def stop_sending(self) -> None:
        super().stop_sending()
        for _stream, task in getattr(self, "answers", {}).values():
            task.cancel()


def read_frame(text: str | None) -> dict[str, Any]:
    """Parse a frame of the client. Raises BadRequest."""
    if text is None:
        raise BadRequest("The message is binary. Send JSON as text.")
    try:
        frame = json.loads(text)
    except (ValueError, RecursionError):
        raise BadRequest("The message is not JSON.") from None
    if not isinstance(frame, dict):
        raise BadRequest("The message is not a JSON object.")
    return frame


def _greet(request: HttpRequest) -> tuple[Visitor, list[tuple[bytes, bytes]]]:
    """Return who connects, and the headers that give a new visitor a session."""
    visitor = Visitor.of(request, new=True)
    response = HttpResponse()
    SessionMiddleware(lambda _: response).process_response(request, response)
    cookies = [cookie.OutputString().encode("ascii") for cookie in response.cookies.values()]
    return visitor, [(b"Set-Cookie", cookie) for cookie in cookies]
