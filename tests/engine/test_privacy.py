"""Who may watch: the engine asks on every transport, and again on every resume."""

import pytest

from tests.inside import streams
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
    assert refused.value.status == 403


def test_nobody_else_may_read_the_bare_text_of_a_private_stream(
    backend_site: Site, private: Source
):
    with pytest.raises(Refused, match="private"):
        bare_text(backend_site.address, private.name)


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_reader_who_lost_the_right_to_watch_cannot_resume(
    backend_site: Site, publisher: Publisher, people: People, transport: str
):
    source = publisher.open(new_name("closing"), owner=people["owner"].pk)
    source.write("one ", "two")
    reader = Reader(source.name, people["stranger"].cookies).read(
        transport, backend_site.address, 1
    )
    publisher.call(streams.show_to_owner_only, source.name)
    with pytest.raises(Refused) as refused:
        reader.read(transport, backend_site.servers[-1].address, 1)
    assert refused.value.status == 403
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
