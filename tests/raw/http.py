"""HTTP/1.1 (RFC 9112) on a plain socket."""

import json
import re
import socket
import ssl
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any, BinaryIO, NamedTuple

from tests.waiting import PATIENCE

STATUS_LINE = re.compile(rb"HTTP/1\.1 ([1-5][0-9]{2}) ([\t\x20-\x7e]*)\r\n")
REQUEST_LINE = re.compile(rb"([A-Z]+) (\S+) HTTP/1\.1\r\n")
HEADER = re.compile(
    rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[ \t]*([\x21-\xff]?(?:[\t\x20-\xff]*[\x21-\xff])?)[ \t]*\r\n"
)
CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]+)\r\n")


class SecureAddress(NamedTuple):
    """The address of a server that speaks TLS, and the certificates that its client trusts."""

    host: str
    port: int
    tls: ssl.SSLContext


class UnixAddress(NamedTuple):
    """The address of a server that listens on a Unix socket, and what its Host header says."""

    host: str
    port: int
    path: str


class Malformed(AssertionError):
    """The peer sent bytes that the protocol doesn't allow."""


class CutShort(Malformed):
    """The connection ended where the protocol requires more bytes."""


class Headers(dict[str, str]):
    """Headers by lower-case name. The values of a repeated header are joined by commas."""

    @property
    def cookies(self) -> list[str]:
        return self.get("set-cookie", "").split(", ")


@dataclass
class Response:
    """A response, with the chunks that carried its body."""

    status: int
    headers: Headers
    head: bytes
    chunks: list[bytes] = field(default_factory=list)
    body: bytes = b""
    # The body with its framing: chunk sizes and line ends.
    wire: bytes = b""

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def json(self) -> Any:
        assert self.headers["content-type"] == "application/json", self.headers
        return json.loads(self.body)

    @property
    def framing(self) -> int:
        """The number of bytes that the transfer coding added to the body."""
        return len(self.wire) - len(self.body)


def read_exactly(file: BinaryIO, size: int) -> bytes:
    data = file.read(size)
    if len(data) < size:
        raise CutShort(f"the connection ended {size - len(data)} bytes early, after {data[-60:]!r}")
    return data


def read_line(file: BinaryIO) -> bytes:
    line = file.readline()
    if not line.endswith(b"\n"):
        raise CutShort(f"the connection ended in the line {line!r}")
    return line


def match_line(pattern: re.Pattern[bytes], file: BinaryIO) -> tuple[re.Match[bytes], bytes]:
    line = read_line(file)
    match = pattern.fullmatch(line)
    if match is None:
        raise Malformed(f"{line!r} doesn't match {pattern.pattern!r}")
    return match, line


def read_headers(file: BinaryIO) -> tuple[Headers, bytes]:
    headers, raw = Headers(), b""
    while True:
        line = read_line(file)
        raw += line
        if line == b"\r\n":
            return headers, raw
        match = HEADER.fullmatch(line)
        if match is None:
            raise Malformed(f"{line!r} is not a header line")
        name, value = match[1].decode().lower(), match[2].decode("latin1")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value


def read_head(file: BinaryIO) -> Response:
    """Read the status line and the headers of a response."""
    status, line = match_line(STATUS_LINE, file)
    headers, raw = read_headers(file)
    return Response(int(status[1]), headers, line + raw)


def read_chunk(file: BinaryIO) -> tuple[bytes, bytes]:
    """Read one chunk and return its data and its bytes. The last one is empty (RFC 9112, 7.1)."""
    size, line = match_line(CHUNK_SIZE, file)
    data = read_exactly(file, int(size[1], 16))
    if read_exactly(file, 2) != b"\r\n":
        raise Malformed(f"the chunk {data[-60:]!r} isn't followed by CR LF")
    return data, line + data + b"\r\n"


def read_chunks(file: BinaryIO) -> Iterator[tuple[bytes, bytes]]:
    """Yield chunks as `read_chunk` does, up to and including the empty last chunk."""
    while True:
        data, wire = read_chunk(file)
        yield data, wire
        if not data:
            return


def read_response(file: BinaryIO, *, method: str = "GET") -> Response:
    """Read a complete response."""
    response = read_head(file)
    if method != "HEAD":
        read_body(file, response)
    return response


def read_body(file: BinaryIO, response: Response) -> None:
    """Read the body of `response`. The complete chunks of a body that is cut short are kept."""
    headers = response.headers
    if response.status in (204, 304) or response.status < 200:
        return
    if "transfer-encoding" in headers:
        if headers["transfer-encoding"] != "chunked" or "content-length" in headers:
            raise Malformed(f"the body has two framings, or an unknown one: {headers}")
        try:
            for data, wire in read_chunks(file):
                response.wire += wire
                if data:
                    response.chunks.append(data)
        finally:
            response.body = b"".join(response.chunks)
    elif "content-length" in headers:
        if not re.fullmatch("[0-9]+", headers["content-length"]):
            raise Malformed(f"Content-Length is not a number: {headers}")
        response.body = response.wire = read_exactly(file, int(headers["content-length"]))
    else:
        response.body = response.wire = file.read()


def parse_responses(recorded: bytes) -> list[Response]:
    """Parse all bytes that a server sent on one connection."""
    file = BytesIO(recorded)
    responses = []
    while file.tell() < len(recorded):
        responses.append(read_response(file))
    return responses


def connect_unix(path: str) -> socket.socket:
    """Return a socket that is connected to a Unix socket."""
    connected = socket.socket(socket.AF_UNIX)
    connected.settimeout(PATIENCE)
    try:
        connected.connect(path)
    except OSError:
        connected.close()
        raise
    return connected


class Connection:
    """A connection to a server. Read the server's bytes from `file`."""

    def __init__(self, address: tuple[str, int] | SecureAddress | UnixAddress) -> None:
        self.address = address
        if isinstance(address, UnixAddress):
            self.socket = connect_unix(address.path)
        else:
            self.socket = socket.create_connection(address[:2], timeout=PATIENCE)
        if isinstance(address, SecureAddress):
            self.socket = address.tls.wrap_socket(self.socket, server_hostname=address.host)
        self.file = self.socket.makefile("rb")

    def __enter__(self) -> "Connection":
        return self

    def __exit__(self, *_error: object) -> None:
        self.file.close()
        self.socket.close()

    def send(
        self,
        target: str | bytes,
        *,
        method: str = "GET",
        headers: Mapping[str, str] | Iterable[tuple[str, str]] = (),
        body: bytes = b"",
    ) -> None:
        """Send a request. A Host in `headers` replaces the server's address."""
        fields = {"Host": "{}:{}".format(*self.address[:2])}
        if body or method in ("POST", "PUT"):
            fields["Content-Length"] = str(len(body))
        fields |= dict(headers)
        target = target.encode() if isinstance(target, str) else target
        lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items()).encode("latin1")
        # A server that refuses a request may close the connection before it has the whole body.
        with suppress(BrokenPipeError, ConnectionResetError):
            self.socket.sendall(
                method.encode() + b" " + target + b" HTTP/1.1\r\n" + lines + b"\r\n" + body
            )

    def ask(self, target: str | bytes, *, method: str = "GET", **request: object) -> Response:
        """Send a request and read the complete response."""
        self.send(target, method=method, **request)
        return read_response(self.file, method=method)

    def assert_ended(self) -> None:
        """Check that the server closes the connection and sends nothing more."""
        rest = self.file.read()
        if rest:
            raise Malformed(f"the server sent bytes after the end: {rest!r}")


def ask(address: tuple[str, int], target: str | bytes, **request: object) -> Response:
    """Send one request on a new connection and return the response."""
    with Connection(address) as connection:
        return connection.ask(target, **request)


def get(address: tuple[str, int], target: str | bytes, **headers: str) -> Response:
    """Send a GET request with headers as keywords, such as `accept_language="en"`."""
    return ask(
        address,
        target,
        headers={name.replace("_", "-").title(): value for name, value in headers.items()},
    )
