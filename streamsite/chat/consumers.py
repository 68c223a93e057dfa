"""The WebSocket for the `WebSocketChatTransport` of npm `ai`, from version 7.0.135.

One connection carries several requests, each under a `requestId` of the client:

    client  {"type": "send", "requestId": "r1", "id": "…", "messages": […], "trigger": "…"}
    server  {"type": "start", "requestId": "r1"}
    server  {"type": "chunk", "requestId": "r1", "sequence": 0, "chunk": {"type": "start", …}}
    client  {"type": "abort", "requestId": "r1"}
    server  {"type": "chunk", "requestId": "r1", "sequence": 9, "chunk": {"type": "abort"}}
    server  {"type": "end", "requestId": "r1"}

A `resume` gets the whole answer, or `no-active`. An `abort` stops the answer. A connection that is
lost stops nothing. The header Accept-Language in the `headers` of a frame takes the place of the
handshake's, which the script of a page can't set.

The server closes the connection, with the code 4404, when the visitor has lost the right to read an
answer that is being sent: the user is deactivated or logs out, or the session is deleted.
"""

import asyncio
import json
from contextlib import aclosing
from typing import Any

from django.contrib.sessions.middleware import SessionMiddleware
from django.http import HttpRequest, HttpResponse
from django.utils.translation import get_language_from_request

from streamsite.streams import (
    Admission,
    BadRequest,
    Consumer,
    Cursor,
    Stream,
    StreamError,
    StreamRequest,
    TooMany,
    Unauthorized,
    handshake_request,
    in_database,
    stop,
)

from .answers import answer
from .conversations import Visitor, is_own, live_answer
from .encoding import parts_in
from .questions import read_asked, read_key

# Requests that a connection may have open at once.
MAX_REQUESTS = 16


class ChatConsumer(Consumer):
    """Answer the frames of one front end."""

    _lost = False

    async def connect(self) -> None:
        request = handshake_request(self.scope)
        headers = await in_database(_greet, request)
        # With the cookie of a new session, for the requests that are made of the scope later.
        self.scope["headers"] = request.scope["headers"]
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
                language = self._language(frame)
                stream = await answer(await self._visitor(), read_asked(frame), language)
                self._follow(request_id, stream, language)
            case "resume":
                self._check_requests(request_id)
                key = read_key(frame.get("id"), "id")
                live = await live_answer(await self._visitor(), key)
                if live is None:
                    await self._send("no-active", request_id)
                else:
                    self._follow(request_id, live, self._language(frame))
            case "abort":
                if request_id in self.answers:
                    await stop(self.answers[request_id][0])
            case _:
                raise BadRequest('"type" is not valid. Use one of send, resume, abort.')

    async def _visitor(self) -> Visitor:
        """Return who is connected now. Raises Unauthorized when the session has ended since."""
        visitor = await in_database(Visitor.of, handshake_request(self.scope))
        if visitor.user is None and not visitor.key:
            raise Unauthorized("The session has ended. Load the page again.")
        return visitor

    def _language(self, frame: dict[str, Any]) -> str:
        """Return the language of the reader who sent a frame."""
        request, headers = handshake_request(self.scope), frame.get("headers")
        for name, value in headers.items() if isinstance(headers, dict) else ():
            if name.lower() == "accept-language" and isinstance(value, str):
                request.META["HTTP_ACCEPT_LANGUAGE"] = value
        return get_language_from_request(request)

    def _check_requests(self, request_id: str) -> None:
        if request_id in self.answers:
            raise BadRequest(f"The requestId {request_id!r} is in use. Use another one.")
        if len(self.answers) >= MAX_REQUESTS:
            raise TooMany(f"{MAX_REQUESTS} requests are open. Wait for the end of one.")

    def _follow(self, request_id: str, stream: Stream, language: str) -> None:
        task = asyncio.create_task(self._send_answer(request_id, stream, language))
        self.answers[request_id] = stream, task

        def forget(_: object) -> None:
            del self.answers[request_id]

        task.add_done_callback(forget)

    async def _send_answer(self, request_id: str, stream: Stream, language: str) -> None:
        await self._send("start", request_id)
        head = f'{{"type":"chunk","requestId":{json.dumps(request_id)},"sequence":'
        json_parts = parts_in(language)
        sequence = 0
        admission = Admission(handshake_request(self.scope), stream, is_own)
        admission.on_lost = self._lose
        wanted = StreamRequest(stream, Cursor(), None, admission)
        async with aclosing(wanted.watched("chat")) as batches:
            async for batch in batches:
                for record in batch:
                    for part in record.encoded(json_parts):
                        await self.send(f'{head}{sequence},"chunk":{part}}}')
                        sequence += 1
        await self._send("end", request_id)

    async def _send(self, kind: str, request_id: str, **members: str | int) -> None:
        frame = {"type": kind, "requestId": request_id, **members}
        await self.send(json.dumps(frame, ensure_ascii=False))

    def _lose(self, error: StreamError) -> None:
        """Close the connection, whose visitor may not read an answer any more."""
        if not self._lost:  # Several answers may be lost at once.
            self._lost = True
            self.stop_sending()
            self.start_sending(_raise(error))

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


async def _raise(error: StreamError) -> None:
    raise error


def _greet(request: HttpRequest) -> list[tuple[bytes, bytes]]:
    """Return the headers that give a new visitor a session."""
    Visitor.of(request, new=True)
    response = HttpResponse()
    SessionMiddleware(lambda _: response).process_response(request, response)
    cookies = [cookie.OutputString().encode("ascii") for cookie in response.cookies.values()]
    return [(b"Set-Cookie", cookie) for cookie in cookies]
