"""The head of a request: the request line and the headers (RFC 9112, sections 2 to 6).

Twisted's parser takes requests that RFC 9112 tells a server to refuse, and closes the connection
without an answer on others. This parser reads a complete head at once, without any I/O.
"""

import re
from dataclasses import dataclass

# Bytes of the longest request line, and of the longest head. RFC 9112, section 3, recommends at
# least 8,000 bytes for the line.
MAX_LINE = 16_384
MAX_HEAD = 32_768
MAX_HEADERS = 200
# Digits of the largest Content-Length: more than any server can receive.
MAX_DIGITS = 18

TOKEN = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
REQUEST_LINE = re.compile(rb"(%b) ([!-~]+) HTTP/([0-9])\.([0-9])" % TOKEN)
NAME = re.compile(TOKEN)
HOST = re.compile(rb"(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._~!$&'()*+,;=%-]*)(?::[0-9]*)?")
ABSOLUTE = re.compile(rb"https?://([^/?]+)(/[^?]*)?(?:\?(.*))?", re.IGNORECASE)
# The bytes that a header must not contain (RFC 9110, section 5.5). CR and LF are checked as line
# ends. 0x85 is a line end for `str.splitlines`, and Daphne refuses this byte too.
CONTROL = bytes({*range(32), 0x7F, 0x85} - {*b"\t\r\n"})
# How many names of headers a process caches, with the same names in lower case.
CACHE_SIZE = 1024

_lower_names: dict[bytes, bytes] = {}

Header = tuple[bytes, bytes]


class Refused(Exception):
    """A request that the server refuses with a status, and with a sentence that says why."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status, self.detail = status, detail


@dataclass(slots=True)
class Head:
    """What a server has to know of a request before its body.

    `length` is the length of the body in bytes, and None if the body is chunked. The names of the
    headers are in lower case.
    """

    method: bytes
    path: bytes
    query: bytes
    version: bytes
    headers: list[Header]
    length: int | None = 0
    # Whether the connection ends after the answer.
    closes: bool = False
    # Whether the client waits for `100 Continue` before it sends the body.
    expects: bool = False
    upgrades: bool = False

    @property
    def target(self) -> bytes:
        """The path and the query, as in a request line."""
        return b"%b?%b" % (self.path, self.query) if self.query else self.path


def check_beginning(data: bytes) -> None:
    """Raise Refused if no head can begin with `data`, which is not a complete head."""
    if not NAME.match(data):
        raise Refused(400, "The bytes are not an HTTP/1.1 request.")
    line = data.find(b"\r\n")
    if line > MAX_LINE or (line < 0 and len(data) > MAX_LINE):
        raise _line_too_long()
    if len(data) > MAX_HEAD:
        raise _head_too_long()
    if data.count(b"\n") != data.count(b"\r\n"):
        raise _bad_line_end()


def parse_head(data: bytes) -> Head:
    r"""Return the head in `data`, which ends with the line end of the last header.

        head = parse_head(b"GET /a?b=c HTTP/1.1\r\nHost: example.com\r\n")
        head.method, head.path, head.query  # (b"GET", b"/a", b"b=c")

    Raises Refused if RFC 9112 doesn't allow the request, or if the request is too long.
    """
    line, *lines = data.split(b"\r\n")
    lines.pop()
    if len(line) > MAX_LINE:
        raise _line_too_long()
    if len(data) > MAX_HEAD or len(lines) > MAX_HEADERS:
        raise _head_too_long()
    if len(lines) + 1 != data.count(b"\n") or len(lines) + 1 != data.count(b"\r"):
        raise _bad_line_end()
    if len(data.translate(None, CONTROL)) != len(data):
        raise Refused(400, "The request line or a header contains a control character.")
    method, target, version = _parse_line(line)
    headers = [_parse_header(line) for line in lines]
    if target.startswith(b"/"):
        path, _, query = target.partition(b"?")
        head = Head(method, path, query, version, headers)
    else:
        head = _with_other_target(target, Head(method, target, b"", version, headers))
    _apply_headers(head)
    return head


def _parse_line(line: bytes) -> tuple[bytes, bytes, bytes]:
    """Return the method, the target and the version of a request line (section 3)."""
    match = REQUEST_LINE.fullmatch(line)
    if match is None:
        raise Refused(400, "The request line is not valid. Send `GET /path HTTP/1.1`.")
    method, target, major, minor = match.groups()
    if major != b"1":
        raise Refused(505, "The server speaks HTTP/1.1 and HTTP/1.0 here.")
    # Methods are case-sensitive (RFC 9110, section 9.1), and Django would take `get` for GET.
    if not method.isupper() or method == b"CONNECT":
        raise Refused(501, "The server does not know this method.")
    if b"#" in target:
        raise Refused(400, "The target of the request contains a fragment.")
    # A higher minor version is answered as HTTP/1.1 (RFC 9110, section 2.5).
    return method, target, b"HTTP/1.0" if minor == b"0" else b"HTTP/1.1"


def _parse_header(line: bytes) -> Header:
    """Return the name and the value of a header (section 5)."""
    name, colon, value = line.partition(b":")
    lower = _lower_names.get(name)
    if lower is None:
        if line[:1] in (b" ", b"\t"):
            raise Refused(400, "A header goes on in a second line. Send each header in one line.")
        if not colon or not NAME.fullmatch(name):
            raise Refused(400, "The name of a header is not valid.")
        if len(_lower_names) >= CACHE_SIZE:
            _lower_names.clear()
        lower = _lower_names[name] = name.lower()
    elif not colon:
        raise Refused(400, "A header has no colon.")
    return lower, value.strip(b" \t")


def _with_other_target(target: bytes, head: Head) -> Head:
    """Return the head with a target that begins with no slash (section 3.2)."""
    if target == b"*":
        if head.method != b"OPTIONS":
            raise Refused(400, "The target * is for OPTIONS alone.")
        return head
    match = ABSOLUTE.fullmatch(target)
    if match is None or not HOST.fullmatch(match[1]):
        raise Refused(400, "The target of the request is not valid. Begin it with a slash.")
    head.path, head.query = match[2] or b"/", match[3] or b""
    # The host of the target counts (section 3.2.2). Two Host headers are refused all the same.
    headers = [(name, match[1] if name == b"host" else value) for name, value in head.headers]
    head.headers = headers
    return head


def _apply_headers(head: Head) -> None:
    """Set what the headers say about the body and the connection."""
    hosts, lengths, codings, tokens = [], [], [], []
    for name, value in head.headers:
        if name == b"host":
            hosts.append(value)
        elif name == b"content-length":
            lengths.append(value)
        elif name == b"transfer-encoding":
            codings.append(value)
        elif name == b"connection":
            tokens += [token.strip(b" \t") for token in value.lower().split(b",")]
        elif name == b"expect":
            head.expects = True
            if value.lower() != b"100-continue":
                raise Refused(417, "The only expectation that the server meets is 100-continue.")
        elif name == b"upgrade":
            # Daphne looks at the first value. No other protocol is served.
            head.upgrades = value.lower() == b"websocket" and head.method == b"GET"
    old = head.version == b"HTTP/1.0"
    if len(hosts) > 1 or (not hosts and not old) or not all(map(HOST.fullmatch, hosts)):
        raise Refused(400, "The request must have one valid Host header.")
    if lengths or codings:
        _apply_framing(head, lengths, codings)
    head.closes = old or b"close" in tokens
    head.expects = head.expects and not old and head.length != 0
    head.upgrades = head.upgrades and not old and head.length == 0


def _apply_framing(head: Head, lengths: list[bytes], codings: list[bytes]) -> None:
    """Set the length of the body (section 6.3)."""
    if codings:
        if lengths:
            # The two may contradict each other, and a proxy may believe the other one.
            raise Refused(400, "Send Content-Length or Transfer-Encoding, and not both.")
        if head.version == b"HTTP/1.0":
            raise Refused(400, "HTTP/1.0 has no Transfer-Encoding.")
        names = [name.strip(b" \t").lower() for name in b",".join(codings).split(b",")]
        if names != [b"chunked"]:
            # RFC 9112 forbids "chunked" twice and before another coding.
            status = 400 if b"chunked" in names[:-1] else 501
            raise Refused(status, "The only Transfer-Encoding that the server takes is chunked.")
        head.length = None
    else:
        [length, *others] = lengths
        if others or not length.isdigit():
            raise Refused(400, "Content-Length must be one number.")
        if len(length.lstrip(b"0")) > MAX_DIGITS:
            raise Refused(413, "The body is too large.")
        head.length = int(length)


def _line_too_long() -> Refused:
    return Refused(414, f"The request line has more than {MAX_LINE} bytes.")


def _head_too_long() -> Refused:
    return Refused(431, f"The head has more than {MAX_HEAD} bytes or {MAX_HEADERS} headers.")


def _bad_line_end() -> Refused:
    return Refused(400, "Each line of the head must end with CR LF.")
