"""WebSocket: a text frame for each JSON object.

The client may send `{"op": "stop"}` to stop the stream. If the engine can't do what the client
asks, the client gets a frame such as `{"error": "Log in to stop a stream …"}`, and the records go
on.
"""

import json
from collections.abc import Callable
from contextlib import aclosing
from functools import cache

from ...errors import BadRequest, NoSuchStream, StreamError
from ...instruments import traffics
from ...pieces import Batch
from ...reading.fanout import Outlet, pieces_in, size_of
from ...reading.finding import find
from ...wire import objects
from .. import uvicorn
from ..access import stop_for
from ..consumers import Consumer
from ..outlets import NO_TEXT, PONG, DoorOutlet, open_door, websocket_outlet
from ..requests import StreamRequest, read_request
from ..sessions import handshake_request
from .encoding import json_objects, shared

# The name under which presence counts the readers.
NAME = "websocket"
# The subprotocol: a frame is one JSON object.
PROTOCOL = "streamsite.v1"
# In this subprotocol a frame may also be a JSON array: of several objects when the client is
# behind, or of none as a keep-alive.
BATCH_PROTOCOL = "streamsite.v1.batch"

# Returns a batch as text frames.
Encoder = Callable[[Batch], list[str]]


class StreamConsumer(Consumer):
    """Send the records of a stream from the cursor in the query string."""

    async def connect(self) -> None:
        name = self.scope["url_route"]["kwargs"]["name"]
        wanted = await read_request(handshake_request(self.scope), name)
        offered = self.scope["subprotocols"]
        protocol = next((known for known in (BATCH_PROTOCOL, PROTOCOL) if known in offered), None)
        await self.accept(protocol)
        encode = arrays if protocol == BATCH_PROTOCOL else frames
        outlet: Outlet | None
        if door := open_door(self.scope):
            outlet = DoorOutlet(framed(encode, door.frame), door)
        else:
            uvicorn.hold_little(self.base_send)
            outlet = websocket_outlet(encode, self.base_send)
        if outlet is None:
            self.start_sending(self.send_records(wanted, encode))
        else:
            self.start_viewing(wanted.reader(NAME), outlet, wanted.admission)

    async def send_records(self, wanted: StreamRequest, encode: Encoder) -> None:
        async with aclosing(wanted.watched(NAME)) as batches:
            traffic = traffics().of(NAME)
            async for batch in batches:
                texts = encode(batch)
                traffic.add(pieces_in(batch), size_of(texts))
                for text in texts:
                    if text != NO_TEXT:
                        await self.send(text)

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        try:
            if op_of(text_data) != "stop":
                raise BadRequest('The only op is "stop". Send {"op": "stop"}.')
            stream = await find(self.scope["url_route"]["kwargs"]["name"])
            await stop_for(handshake_request(self.scope), stream)
        except StreamError as error:
            await self.send(json.dumps({"error": error.detail}, ensure_ascii=False))


@shared
def frames(batch: Batch) -> list[str]:
    """Return each object of a batch as a text frame. An empty batch has a `NO_TEXT`."""
    return [text for record in batch for text in record.encoded(json_objects)] or [NO_TEXT]


@shared
def arrays(batch: Batch) -> list[str]:
    """Return a batch as one text frame: a JSON object, or an array unless there is one object."""
    objects_of_batch = frames(batch) if batch else []
    return objects_of_batch if len(objects_of_batch) == 1 else [objects.array(objects_of_batch)]


@cache
def framed(encode: Encoder, frame: Callable[[bytes], bytes]) -> Callable[[Batch], bytes]:
    """Return the function that encodes a batch with the frames that a server puts around texts."""

    def of_text(text: str) -> bytes:
        return PONG if text == NO_TEXT else frame(text.encode())

    return shared(lambda batch: b"".join([of_text(text) for text in encode(batch)]))


def op_of(text: str | None) -> str:
    """Return the operation that a client's message asks for.

    Raises BadRequest if the message is not a JSON object with an "op".
    """
    if text is None:
        raise BadRequest('The message is binary. Send the text {"op": "stop"}.')
    try:
        message = json.loads(text)
    except (ValueError, RecursionError):
        raise BadRequest('The message is not JSON. Send {"op": "stop"}.') from None
    if not isinstance(message, dict) or not isinstance(message.get("op"), str):
        raise BadRequest('The message has no "op" that is a string. Send {"op": "stop"}.')
    return str(message["op"])


class UnknownAddress(Consumer):
    """Refuse a WebSocket whose path belongs to no stream, with the close code 4404."""

    async def connect(self) -> None:
        raise NoSuchStream(self.scope["path"])
