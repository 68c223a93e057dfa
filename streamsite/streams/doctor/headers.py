"""What a proxy must not do to headers: compress a stream, or drop Last-Event-ID."""

from urllib.parse import urlsplit

import httpx

from .entrance import Entrance
from .findings import Finding, ok, problem
from .probe import Probe

# The endpoints that stream, with the type that their clients accept.
STREAMING = {"chunked": "application/x-ndjson", "events": "text/event-stream"}


async def check_headers(entrance: Entrance, probe: Probe) -> list[Finding]:
    """Return what happens to the headers of a streaming response, and of its request."""
    address = probe.url(entrance.url)
    async with entrance.client() as client:
        try:
            compressed = [
                f"{endpoint} ({coding})"
                for endpoint, kind in STREAMING.items()
                if (coding := await _coding(client, _at(address, endpoint), kind)) != "identity"
            ]
            first = await _first_id(client, _at(address, "events"), "3")
        except httpx.TransportError:
            return []  # `watching` reports that nothing comes.
    return [_judge_coding(compressed), _judge_last_event_id(first)]


def _judge_coding(compressed: list[str]) -> Finding:
    if not compressed:
        return ok("compression", "Streams arrive as they were sent.")
    return problem(
        "compression",
        f"Something compresses streams, and may hold pieces back: {', '.join(compressed)}.",
        "Leave text/plain, text/event-stream and application/x-ndjson out of the proxy's "
        "compression. nginx: gzip_types. Never use Django's GZipMiddleware.",
    )


def _judge_last_event_id(first: str) -> Finding:
    if first == "4":
        return ok("Last-Event-ID", "An EventSource resumes where it was.")
    return problem(
        "Last-Event-ID",
        f"An EventSource that has 3 pieces gets the event {first or 'of no number'} next, not 4: "
        "something drops the header Last-Event-ID.",
        "Let the proxy pass Last-Event-ID on. nginx: no proxy_set_header Last-Event-ID; and no "
        "proxy_pass_request_headers off;",
    )


async def _coding(client: httpx.AsyncClient, address: str, kind: str) -> str:
    """Return the Content-Encoding of a stream for a client that takes gzip."""
    headers = {"Accept": kind, "Accept-Encoding": "gzip, deflate, br"}
    async with client.stream("GET", address, headers=headers) as response:
        return str(response.headers.get("Content-Encoding", "identity"))


async def _first_id(client: httpx.AsyncClient, address: str, last_event_id: str) -> str:
    """Return the id of the first event after `last_event_id`, or "" if none comes."""
    headers = {"Last-Event-ID": last_event_id, "Accept-Encoding": "identity"}
    try:
        async with client.stream("GET", address, headers=headers) as response:
            async for line in response.aiter_lines():
                if line.startswith("id:"):
                    return line.removeprefix("id:").strip().rpartition(".")[2]
    except httpx.ReadTimeout:
        pass
    return ""


def _at(address: str, endpoint: str) -> str:
    """Return the address of an endpoint of the stream at `address`."""
    parts = urlsplit(address)
    return parts._replace(path=f"{parts.path}/{endpoint}").geturl()
