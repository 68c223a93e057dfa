"""Count the pieces in the bytes from a socket, with as little CPU time as possible.

Each function returns a counter. A counter takes the bytes of one read and returns the number of
pieces that end in them.
"""

from collections.abc import Callable

Counter = Callable[[bytes], int]


def chunks() -> Counter:
    """Count the chunks of a chunked body (RFC 9112, section 7.1), without the empty last one."""
    rest = b""

    def count(data: bytes) -> int:
        nonlocal rest
        if rest:
            data = rest + data
        start, found, length = 0, 0, len(data)
        while (line_end := data.find(b"\r\n", start)) >= 0:
            size = int(data[start:line_end], 16)
            end = line_end + size + 4
            if end > length:
                break
            found += size > 0
            start = end
        rest = data[start:]
        return found

    return count


def events() -> Counter:
    """Count Server-Sent Events by the blank lines after them. Chunk framing has no blank lines."""
    last = b""

    def count(data: bytes) -> int:
        nonlocal last
        found = data.count(b"\n\n") + (last == b"\n" and data[:1] == b"\n")
        last = data[-1:]
        return found

    return count


def frames() -> Counter:
    """Count text frames (RFC 6455, section 5.2). A server does not mask its frames."""
    rest = b""

    def count(data: bytes) -> int:
        nonlocal rest
        if rest:
            data = rest + data
        start, found, length = 0, 0, len(data)
        while length - start >= 2:
            size, head = data[start + 1], 2
            if size == 126:
                size, head = int.from_bytes(data[start + 2 : start + 4]), 4
            elif size == 127:
                size, head = int.from_bytes(data[start + 2 : start + 10]), 10
            if start + head + size > length:
                break
            found += data[start] == 0x81
            start += head + size
        rest = data[start:]
        return found

    return count


COUNTERS = {"chunked": chunks, "events": events, "ws": frames}
