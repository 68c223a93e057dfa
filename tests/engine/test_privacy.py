"""Who may watch: asked on every transport, and again on every resume."""

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
def test_others_may_not(backend_site: Site, private: Source, people: People, who, transport):
    headers = people[who].cookies if who in people else {}
    with pytest.raises(Refused, match="private") as refused:
        Reader(private.name, headers).read(transport, backend_site.address)
    assert refused.value.status == 403


def test_others_may_not_read_the_bare_text(backend_site: Site, private: Source):
    with pytest.raises(Refused, match="private"):
        bare_text(backend_site.address, private.name)


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_reader_who_may_no_longer_watch_cannot_resume(
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
    # Nor can the owner, once logged out.
    owner = Reader(source.name, people["owner"].cookies).read(transport, backend_site.address, 1)
    owner.headers = {}
    with pytest.raises(Refused):
        owner.read(transport, backend_site.address, 1)
    source.end()


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_anyone_with_the_link_may_watch(
    backend_site: Site, publisher: Publisher, people: People, transport: str
):
    source = publisher.open(new_name("linked"), owner=people["owner"].pk, visibility="link")
    source.write("linked")
    source.end()
    assert Reader(source.name).read(transport, backend_site.address).text == "linked"


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_name_that_is_no_streams_is_not_found(backend_site: Site, transport: str):
    with pytest.raises(Refused) as refused:
        Reader("not-there").read(transport, backend_site.address)
    assert refused.value.status == 404
