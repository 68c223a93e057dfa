"""WebSocket: a text frame for each JSON object, and a client that may say stop."""

import json
from contextlib import aclosing
from urllib.parse import parse_qsl

from ...errors import BadRequest, NoSuchStream, StreamError
from ...reading.tapes import Batch
from ...wire import objects
from ...writing.stopping import stop_as
from ..consumers import Consumer
from ..requests import read_request
from ..sessions import user_of
from .encoding import json_objects

PROTOCOL = "streamsite.v1"
# The same, for a client that takes a JSON array as a frame: of several objects when it is behind,
# of none as a sign of life.
BATCH_PROTOCOL = "streamsite.v1.batch"


class StreamConsumer(Consumer):
    """Sends a stream's records, from the cursor in the query."""

    async def connect(self) -> None:
        query = dict(parse_qsl(self.scope["query_string"].decode("latin1"), keep_blank_values=True))
        name = self.scope["url_route"]["kwargs"]["name"]
        self.wanted = await read_request(name, query, user_of(self.scope))
        offered = self.scope["subprotocols"]
        protocol = next((known for known in (BATCH_PROTOCOL, PROTOCOL) if known in offered), None)
        await self.accept(protocol)
        self.start_sending(self.send_records(protocol == BATCH_PROTOCOL))

    async def send_records(self, in_batches: bool) -> None:
        async with aclosing(self.wanted.batches("websocket")) as batches:
            async for batch in batches:
                for frame in frames(batch, in_batches):
                    await self.send(frame)

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        try:
            if op_of(text_data) != "stop":
                raise BadRequest('The only op is "stop".')
            await stop_as(user_of(self.scope), self.wanted.stream)
        except StreamError as error:
            await self.send(json.dumps({"error": error.detail}, ensure_ascii=False))


def frames(batch: Batch, in_batches: bool) -> list[str]:
    """Return a batch as text frames."""
    if in_batches and sum(len(record.encoded(json_objects)) for record in batch) != 1:
        return [objects.array([text for record in batch for text in record.encoded(json_objects)])]
    return [text for record in batch for text in record.encoded(json_objects)]


def op_of(text: str | None) -> str:
    """Return what a client's message asks for. Raises BadRequest."""
    if text is None:
        raise BadRequest('A message is text, not bytes: {"op": "stop"}.')
    try:
        message = json.loads(text)
    except (ValueError, RecursionError):
        raise BadRequest('A message is a JSON object: {"op": "stop"}.') from None
    if not isinstance(message, dict) or not isinstance(message.get("op"), str):
        raise BadRequest('A message is a JSON object with an "op": {"op": "stop"}.')
    return str(message["op"])


class Nowhere(Consumer):
    """Refuses an address that is no stream's."""

    async def connect(self) -> None:
        raise NoSuchStream(self.scope["path"])
