"""WebSocket (RFC 6455) on a plain socket."""

import hashlib
import secrets
from base64 import b64encode
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from typing import BinaryIO

from . import http
from .http import Malformed, read_exactly

TEXT, BINARY, CLOSE, PING, PONG = 0x1, 0x2, 0x8, 0x9, 0xA
CONTINUATION = 0x0
OPCODES = {CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG}


@dataclass(frozen=True)
class Frame:
    """A frame. `header` is the number of bytes before the payload."""

    opcode: int
    payload: bytes
    header: int
    final: bool = True

    @property
    def text(self) -> str:
        assert self.opcode == TEXT, self
        return self.payload.decode()

    @property
    def code(self) -> int | None:
        """The status code of a close frame, or None without one."""
        assert self.opcode == CLOSE, self
        return int.from_bytes(self.payload[:2], "big") if self.payload else None

    @property
    def size(self) -> int:
        return self.header + len(self.payload)


def read_frame(file: BinaryIO, *, masked: bool = False) -> Frame:
    """Read one frame of a server, or with `masked` of a client (5.2, 5.5)."""
    first, second = read_exactly(file, 2)
    opcode, final = first & 0x0F, bool(first & 0x80)
    if first & 0x70 or opcode not in OPCODES:
        raise Malformed(f"reserved bits or opcode in the byte {first:#x}")
    if bool(second & 0x80) != masked:
        raise Malformed("a server's frame is masked, or a client's isn't")
    size, header = second & 0x7F, 2
    for marker, width, least in ((126, 2, 126), (127, 8, 0x10000)):
        if second & 0x7F == marker:
            size, header = int.from_bytes(read_exactly(file, width), "big"), 2 + width
            if size < least:
                raise Malformed(f"the length {size} has more bytes than it needs")
    if opcode >= CLOSE and (size > 125 or not final):
        raise Malformed("a control frame is too long or fragmented")
    key = read_exactly(file, 4) if masked else bytes(4)
    payload = masked_with(key, read_exactly(file, size))
    if opcode == CLOSE:
        check_close(payload)
    return Frame(opcode, payload, header + 4 * masked, final)


def check_close(payload: bytes) -> None:
    """Check the payload of a close frame (5.5.1, 7.4)."""
    if len(payload) == 1:
        raise Malformed("a close frame has half a status code")
    if payload:
        code = int.from_bytes(payload[:2], "big")
        if not (1000 <= code <= 1014 or 3000 <= code <= 4999) or code in (1004, 1005, 1006):
            raise Malformed(f"a close frame must not have the status code {code}")
        payload[2:].decode()


def masked_with(key: bytes, payload: bytes) -> bytes:
    return bytes(byte ^ key[index % 4] for index, byte in enumerate(payload))


def write_frame(
    opcode: int, payload: bytes = b"", *, final: bool = True, masked: bool = True
) -> bytes:
    """Return the bytes of a client's frame. The protocol forbids a client unmasked frames."""
    key = secrets.token_bytes(4) if masked else b""
    body = masked_with(key, payload) if masked else payload
    return write_header(opcode, len(payload), final=final, masked=masked) + key + body


def write_header(opcode: int, size: int, *, final: bool = True, masked: bool = True) -> bytes:
    """Return the bytes of a frame before the masking key."""
    head = bytes([opcode | 0x80 * final])
    mask = 0x80 * masked
    if size < 126:
        return head + bytes([mask | size])
    if size < 0x10000:
        return head + bytes([mask | 126]) + size.to_bytes(2, "big")
    return head + bytes([mask | 127]) + size.to_bytes(8, "big")


def close_payload(code: int) -> bytes:
    return code.to_bytes(2, "big")


def accept_for(key: str) -> str:
    """Return the Sec-WebSocket-Accept that answers a handshake's key (4.2.2)."""
    return b64encode(
        hashlib.sha1(f"{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11".encode()).digest()
    ).decode()


class WebSocket(http.Connection):
    """A connection for a WebSocket handshake and the frames after the handshake."""

    def shake_hands(self, target: str, headers: Mapping[str, str] | None = None) -> http.Response:
        """Send the handshake and return the response, which is checked when its status is 101."""
        key = b64encode(secrets.token_bytes(16)).decode()
        upgrade = {
            "Upgrade": "websocket",
            "Connection": "Upgrade",
            "Sec-WebSocket-Key": key,
            "Sec-WebSocket-Version": "13",
        }
        self.send(target, headers={**upgrade, **(headers or {})})
        response = http.read_head(self.file)
        if response.status == 101:
            check_handshake(response, key)
        return response

    def write(self, opcode: int, payload: bytes = b"", **options: bool) -> None:
        self.socket.sendall(write_frame(opcode, payload, **options))

    def read(self) -> Frame:
        return read_frame(self.file)

    def read_text(self) -> str:
        """Return the next text, past the server's signs of life."""
        return next(frame for frame in self.frames() if frame.opcode != PONG).text

    def frames(self) -> Iterator[Frame]:
        """Yield frames up to the server's close frame, and answer the close frame.

        A ping is answered, too, and left out. Servers send one after 20 s.
        """
        while True:
            frame = self.read()
            if frame.opcode == PING:
                with suppress(ConnectionResetError, BrokenPipeError):  # `read` meets it, too.
                    self.write(PONG, frame.payload)
                continue
            yield frame
            if frame.opcode == CLOSE:
                self.answer_close(frame)
                return

    def answer_close(self, frame: Frame) -> None:
        """Finish the closing handshake: the server must then close the connection (7.1.1)."""
        # Both sides have sent their close frame, so the server may also reset the connection.
        with suppress(ConnectionResetError, BrokenPipeError):
            self.write(CLOSE, frame.payload[:2])
            self.assert_ended()

    def closed(self) -> int | None:
        """Return the status code of the server's close frame, whatever frames come before."""
        *_, last = self.frames()
        return last.code


def check_handshake(response: http.Response, key: str) -> None:
    headers = response.headers
    assert headers["upgrade"].lower() == "websocket", headers
    assert headers["connection"].lower() == "upgrade", headers
    assert headers["sec-websocket-accept"] == accept_for(key), headers
    assert "content-length" not in headers, headers
    assert "transfer-encoding" not in headers, headers


def connect(
    address: tuple[str, int], target: str, headers: Mapping[str, str] | None = None
) -> WebSocket:
    """Open a WebSocket."""
    with ExitStack() as stack:
        websocket = stack.enter_context(WebSocket(address))
        response = websocket.shake_hands(target, headers)
        assert response.status == 101, response
        stack.pop_all()  # Connected, so the caller closes it.
    return websocket
