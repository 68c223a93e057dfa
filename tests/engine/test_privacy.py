"""Who may watch: the engine asks on every transport, and again on every resume."""

import asyncio

import pytest

from streamsite.streams import client
from streamsite.streams.pieces import Pieces
from tests.inside import keys, streams
from tests.raw import http
from tests.site import Site

from .people import Person
from .publisher import Publisher, Source, new_name
from .reading import TRANSPORTS, Reader, Refused, bare_text

People = dict[str, Person]


@pytest.fixture(scope="module")
def private(publisher: Publisher, people: People) -> Source:
    source = publisher.open(new_name("private"), owner=people["owner"].pk, visibility="owner")
    source.write("for ", "few ", "eyes")
    source.end()
    return source


@pytest.mark.parametrize("who", ["owner", "staff"])
@pytest.mark.parametrize("transport", TRANSPORTS)
def test_owner_and_staff_may_watch_a_private_stream(
    backend_site: Site, private: Source, people: People, who, transport
):
    reader = Reader(private.name, people[who].cookies)
    assert reader.read(transport, backend_site.servers[-1].address).text == "for few eyes"


@pytest.mark.parametrize("who", ["nobody", "stranger"])
@pytest.mark.parametrize("transport", TRANSPORTS)
def test_nobody_else_may_watch_a_private_stream(
    backend_site: Site, private: Source, people: People, who, transport
):
    headers = people[who].cookies if who in people else {}
    with pytest.raises(Refused, match="private") as refused:
        Reader(private.name, headers).read(transport, backend_site.address)
    assert refused.value.status == 404


def test_nobody_else_may_read_the_bare_text_of_a_private_stream(
    backend_site: Site, private: Source
):
    with pytest.raises(Refused, match="private"):
        bare_text(backend_site.address, private.name)


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_reader_who_lost_the_right_to_watch_cannot_resume(
    backend_site: Site, publisher: Publisher, people: People, transport: str
):
    source = publisher.open(new_name("closing"), owner=people["owner"].pk, visibility="link")
    source.write("one ", "two")
    reader = Reader(source.name, people["stranger"].cookies).read(
        transport, backend_site.address, 1
    )
    publisher.call(streams.show_to_owner_only, source.name)
    with pytest.raises(Refused) as refused:
        reader.read(transport, backend_site.servers[-1].address, 1)
    assert refused.value.status == 404
    # The owner can't resume either after logging out.
    owner = Reader(source.name, people["owner"].cookies).read(transport, backend_site.address, 1)
    owner.headers = {}
    with pytest.raises(Refused):
        owner.read(transport, backend_site.address, 1)
    source.end()


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_everyone_who_knows_the_name_may_watch_a_link_stream(
    backend_site: Site, publisher: Publisher, people: People, transport: str
):
    source = publisher.open(new_name("linked"), owner=people["owner"].pk, visibility="link")
    source.write("linked")
    source.end()
    assert Reader(source.name).read(transport, backend_site.address).text == "linked"


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_reading_a_missing_stream_is_a_404(backend_site: Site, transport: str):
    with pytest.raises(Refused) as refused:
        Reader("not-there").read(transport, backend_site.address)
    assert refused.value.status == 404


# Viewer links.


def text_of(site: Site, name: str, query: str, transport: str) -> str:
    """Return the text that the client in Python reads, with a query in the stream's address."""

    async def read() -> str:
        url = f"{site.servers[-1].url}/stream/{name}?{query}"
        texts = [
            text
            async for record in client.open(url, transport=transport)
            if isinstance(record, Pieces)
            for text in record.texts
        ]
        return "".join(texts)

    return asyncio.run(read())


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_viewer_link_opens_a_private_stream_without_a_session(
    backend_site: Site, private: Source, transport: str
):
    link = private.publisher.call(keys.link, private.name, 60)
    assert text_of(backend_site, private.name, link, transport) == "for few eyes"


BAD_LINKS = {
    "expired": (lambda link, call: call(keys.link, -60), 403, "expired"),
    "of another stream": (lambda link, call: call(keys.link, 60, "other"), 404, "private"),
    "prolonged": (lambda link, call: link.replace("=1", "=2", 1), 404, "private"),
    "cut short": (lambda link, call: link[:-1], 404, "private"),
    "nonsense": (lambda link, call: "viewer=nonsense", 404, "private"),
}


@pytest.mark.parametrize("bad", BAD_LINKS)
@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_viewer_link_that_is_expired_or_changed_is_refused(
    backend_site: Site, private: Source, bad: str, transport: str
):
    def call(function, seconds: float, name: str = private.name) -> str:
        return private.publisher.call(function, name, seconds)

    make, status, why = BAD_LINKS[bad]
    query = make(call(keys.link, 60), call)
    with pytest.raises(client.Refused, match=why) as refused:
        text_of(backend_site, private.name, query, transport)
    assert refused.value.status == status


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_an_expired_viewer_link_takes_no_right_away(
    backend_site: Site, publisher: Publisher, people: People, transport: str
):
    source = publisher.open(new_name("linked"), owner=people["owner"].pk, visibility="link")
    source.write("linked")
    source.end()
    link = publisher.call(keys.link, source.name, -60)
    assert text_of(backend_site, source.name, link, transport) == "linked"


def test_a_page_with_a_viewer_link_shows_the_stream_with_the_link(
    backend_site: Site, private: Source
):
    link = private.publisher.call(keys.link, private.name, 60)
    page = http.get(backend_site.address, f"/en/live/{private.name}/?{link}")
    assert page.status == 200
    assert f'src="/stream/{private.name}?{link}"' in page.text
    assert f'href="/stream/{private.name}/chunked?{link}"' in page.text
    expired = private.publisher.call(keys.link, private.name, -60)
    assert http.get(backend_site.address, f"/en/live/{private.name}/?{expired}").status == 403
