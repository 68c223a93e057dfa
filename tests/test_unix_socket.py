"""Servers that listen on a Unix socket, as behind a proxy on the same machine."""

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from .ports import HOST
from .raw import events, http, websocket
from .raw.http import UnixAddress
from .site import Server, Site, SiteMaker

OPTIONS = {"daphne": "-u", "uvicorn": "--uds"}


class UnixServer(Server):
    """A server whose socket is at `path`."""

    path: Path

    @property
    def address(self) -> UnixAddress:
        return UnixAddress(HOST, self.port, str(self.path))


@pytest.fixture
def site(make_site: SiteMaker) -> Site:
    return make_site(servers=[])


@pytest.fixture(params=OPTIONS)
def server(request: pytest.FixtureRequest, site: Site) -> Iterator[UnixServer]:
    server = UnixServer(request.param, site.env, site.var.parent / "unix.log")
    # The path of a Unix socket has 107 bytes at most.
    with tempfile.TemporaryDirectory() as folder:
        server.path = Path(folder, "socket")
        server.options = [OPTIONS[request.param], str(server.path)]
        server.launch()
        try:
            yield server.ready()
        finally:
            server.stop()


def test_a_stream_comes_whole_over_every_transport(site: Site, server: UnixServer):
    text = "".join(site.pieces())
    assert http.get(server.address, "/stream/article/chunked?pace=0.001").body.decode() == text
    response = http.get(server.address, "/stream/article/events?pace=0.001")
    blocks = [json.loads(block.data) for block in events.parse(response.body) if block.data]
    assert "".join(record.get("text", "") for record in blocks) == text
    with websocket.connect(server.address, "/stream/article/ws?pace=0.001") as connection:
        came = ""
        while "end" not in (record := json.loads(connection.read_text())):
            came += record["text"]
    assert came == text
