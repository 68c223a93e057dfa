"""Reserved streams: followed before their producers come."""

import pytest

from tests.inside import streams
from tests.site import Site

from .people import Person
from .publisher import Publisher, new_name
from .reading import TRANSPORTS, Reader
from .test_publishing import post

People = dict[str, Person]


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_reader_that_waits_sees_the_producer_begin(
    backend_site: Site, publisher: Publisher, at_once, transport: str
):
    name = new_name("reserved")
    assert publisher.call(streams.reserve, name) == "live"
    reading = at_once.submit(Reader(name).read, transport, backend_site.address)
    assert publisher.call(streams.publish_reserved, name, "here") == ["Reserved", "link", None]
    reader = reading.result()
    assert (reader.text, reader.state) == ("here", "done")


@pytest.mark.parametrize("form", ["async", "sync"])
def test_a_producer_takes_a_reserved_stream_up_by_its_name(
    backend_site: Site, publisher: Publisher, form: str
):
    name = new_name("reserved")
    publisher.call(streams.reserve, name)
    source = publisher.open(name, form=form)
    source.write("here")
    source.end()
    assert publisher.call(streams.title, name) == "Reserved"


def test_a_reserved_stream_whose_producer_does_not_come_is_interrupted_with_the_reason(
    backend_site: Site, publisher: Publisher
):
    name = new_name("reserved")
    publisher.call(streams.reserve, name, None, 0.001)
    reader = Reader(name).read("sse", backend_site.address)
    assert reader.state == "interrupted"
    assert "did not come in time" in reader.end["reason"]
    assert publisher.launch(name).expect("raised")["error"] == "Ended"


def test_a_name_is_reserved_once(backend_site: Site, publisher: Publisher):
    name = new_name("reserved")
    publisher.call(streams.reserve, name)
    with pytest.raises(AssertionError, match="reserved already"):
        publisher.call(streams.reserve, name)


def test_a_reserved_stream_keeps_its_format(backend_site: Site, publisher: Publisher):
    name = new_name("reserved")
    publisher.call(streams.reserve, name, None, 60, "json")
    raised = publisher.launch(name, format="text").expect("raised")
    assert (raised["error"], "has the format json" in raised["detail"]) == ("Conflict", True)
    source = publisher.open(name)
    source.write({"a": 1}, "a string", None)
    source.end()
    reader = Reader(name).read("sse", backend_site.address)
    assert (reader.member, reader.texts) == ("data", [{"a": 1}, "a string", None])


def test_a_publisher_over_http_takes_up_the_reserved_streams_of_its_owner_alone(
    backend_site: Site, publisher: Publisher, people: People
):
    owner, stranger = people["owner"], people["stranger"]
    own, nobodys = new_name("reserved"), new_name("reserved")
    publisher.call(streams.reserve, own, owner.pk)
    publisher.call(streams.reserve, nobodys)
    body = {"pieces": ["here"], "end": "done"}
    assert post(backend_site, own, body, stranger).status == 409
    assert post(backend_site, nobodys, body, owner).status == 409
    assert post(backend_site, own, body, owner).status == 202
    headers = owner.cookies
    assert Reader(own, headers).read("chunked", backend_site.address).text == "here"


def test_a_reserved_stream_that_was_deleted_is_not_made_again(publisher: Publisher):
    assert publisher.call(streams.publish_after_deletion, new_name("gone")) == "NoSuchStream"
