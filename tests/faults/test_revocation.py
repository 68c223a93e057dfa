"""Viewers and publishers who lose their rights while a stream is live."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, suppress

import pytest

from tests.engine.people import Person, introduce
from tests.engine.publisher import Publisher, Source
from tests.inside import keys, streams, users
from tests.marks import EVERY_SERVER
from tests.raw import http
from tests.raw.websocket import CLOSE, PING, PONG, TEXT, WebSocket
from tests.site import Site, SiteMaker
from tests.waiting import wait_until

TRANSPORTS = ("chunked", "events", "ws")
# Seconds within which a viewer stops receiving, on a machine that is busy with other tests.
SOON = 20
# Seconds until a viewer link expires. The viewers with the link connect meanwhile, or get another.
LINK_SECONDS = 8


@pytest.fixture
def own(on: str, make_site: SiteMaker) -> Iterator[tuple[Site, Publisher]]:
    """Yield a site of one server, and its process of sources."""
    site = make_site(servers=[on]).start()
    publisher = Publisher(site.env)
    yield site, publisher
    publisher.kill()


class Viewer:
    """A viewer on one connection, who has read the first piece."""

    def __init__(
        self,
        stack: ExitStack,
        site: Site,
        name: str,
        transport: str,
        person: Person | None = None,
        query: str = "",
    ) -> None:
        self.transport = transport
        self.headers: Mapping[str, str] = person.cookies if person else {}
        self.target = f"/stream/{name}/{transport}?{query}"
        self.site = site
        self.code: int | None = None
        self.connection = stack.enter_context(WebSocket(site.address))
        if transport == "ws":
            assert self.connection.shake_hands(self.target, self.headers).status == 101
        else:
            self.connection.send(self.target, headers=self.headers)
            assert http.read_head(self.connection.file).status == 200
        self.read_until("first")

    def read_until(self, text: str) -> None:
        """Read until a text has come. A connection that ends before is an error."""
        data = ""
        while text not in data:
            part = self.part()
            assert part is not None, f"{self.target} ended before {text!r}"
            data += part

    def rest(self) -> str:
        """Read to the end of the connection, and return what came."""
        data = ""
        while (part := self.part()) is not None:
            data += part
        return data

    def part(self) -> str | None:
        """Read a part, or return None at the end of the connection."""
        try:
            if self.transport != "ws":
                return http.read_chunk(self.connection.file)[0].decode()
            frame = self.connection.read()
        except (ConnectionResetError, http.CutShort):
            return None
        if frame.opcode == CLOSE:
            self.code = frame.code
            return None
        assert frame.opcode in (TEXT, PING, PONG)
        return frame.payload.decode() if frame.opcode == TEXT else ""

    def check_refused(self, status: int = 404) -> None:
        """Check that the viewer gets nothing more, and is refused when it comes back."""
        self.connection.socket.settimeout(SOON)
        self.rest()
        if self.transport == "ws":
            assert self.code == 4000 + status
            with WebSocket(self.site.address) as again:
                again.shake_hands(self.target, self.headers)
                assert again.closed() == 4000 + status
        else:
            assert http.ask(self.site.address, self.target, headers=self.headers).status == status


@EVERY_SERVER
def test_who_may_not_watch_any_more_gets_nothing_more_on_any_transport(own):
    site, publisher = own
    people = introduce(publisher)
    owner, stranger, staff = people["owner"], people["stranger"], people["staff"]
    own_stream = publisher.open(owner=owner.pk)
    other_stream = publisher.open(owner=stranger.pk)
    link_stream = publisher.open(visibility="link")
    sources = [own_stream, other_stream, link_stream]
    for source in sources:
        source.write("first")
    with ExitStack() as stack:

        def watch(source: Source, person: Person | None = None, query: str = "") -> list[Viewer]:
            return [Viewer(stack, site, source.name, each, person, query) for each in TRANSPORTS]

        deactivated = watch(own_stream, owner)
        logged_out = watch(other_stream, stranger)
        outside = watch(link_stream)
        kept = [*watch(own_stream, staff), *watch(link_stream, staff)]

        def watch_by_link() -> list[Viewer]:
            """Return no viewers if their link has expired before all were connected."""
            link = publisher.call(keys.link, other_stream.name, LINK_SECONDS)
            with suppress(AssertionError):
                return watch(other_stream, query=link)
            return []

        with_link = wait_until(watch_by_link, "the viewers are connected")
        publisher.call(users.deactivate, owner.pk)
        publisher.call(users.log_out, stranger.session)
        publisher.call(streams.show_to_owner_only, link_stream.name)
        for viewer in [*deactivated, *logged_out, *outside]:
            viewer.check_refused()
        for viewer in with_link:
            viewer.check_refused(403)
        for source in sources:
            source.write("second")
        for viewer in kept:
            viewer.read_until("second")
        publisher.call(users.remove_from_staff, staff.pk)
        for viewer in kept:
            viewer.check_refused()


def test_a_deactivated_user_publishes_no_more(make_site: SiteMaker):
    site = make_site().start()
    people = {name: Person(*facts) for name, facts in site.call(users.make_people).items()}
    owner = people["owner"]

    def publish() -> int:
        return http.ask(
            site.address,
            "/stream/log/pieces",
            method="POST",
            headers={**owner.bearer, "Content-Type": "application/json"},
            body=b'{"pieces": ["text"]}',
        ).status

    assert publish() == 202
    site.call(users.deactivate, owner.pk)
    assert publish() == 401
