"""What the model of a stream tells a project: the text, the addresses, who sees which stream."""

import re

from tests.inside import models, streams
from tests.raw import http
from tests.site import Site

from .people import Person
from .publisher import Publisher, new_name


def test_a_stream_has_its_text_while_it_is_live_and_afterwards(
    backend_site: Site, publisher: Publisher
):
    source = publisher.open()
    assert publisher.call(models.texts, source.name) == ["", ""]
    source.write("one ", "zwei 🦊\r\n")
    assert publisher.call(models.texts, source.name) == ["one zwei 🦊\r\n"] * 2
    source.write("three")
    source.end()
    assert publisher.call(models.texts, source.name) == ["one zwei 🦊\r\nthree"] * 2
    publisher.call(streams.edit, source.name, "edited")
    assert publisher.call(models.texts, source.name) == ["edited"] * 2


def test_the_live_and_the_ended_streams(backend_site: Site, publisher: Publisher):
    prefix = new_name("state")
    living = publisher.open(f"{prefix}-living")
    publisher.call(streams.reserve, f"{prefix}-reserved")
    publisher.call(streams.make_one_of_each_end, prefix)
    ended = [f"{prefix}-{state}" for state in ("done", "failed", "interrupted", "stopped")]
    assert publisher.call(models.states, prefix) == {
        "live": [f"{prefix}-living", f"{prefix}-reserved"],
        "ended": ended,
    }
    living.end()
    assert publisher.call(models.states, prefix)["live"] == [f"{prefix}-reserved"]


def test_each_user_sees_the_streams_that_the_policy_lists_for_the_user(
    backend_site: Site, publisher: Publisher, people: dict[str, Person]
):
    prefix = new_name("seen")
    for visibility in ("public", "link", "owner"):
        name = f"{prefix}-{visibility}"
        publisher.open(name, visibility=visibility)
        publisher.open(f"{name}-owned", visibility=visibility, owner=people["owner"].pk)
    public = [f"{prefix}-public", f"{prefix}-public-owned"]
    own = [f"{prefix}-link-owned", f"{prefix}-owner-owned"]
    everything = [*(f"{prefix}-{each}" for each in ("link", "owner", "public")), *own, public[1]]
    expected = {
        "owner": sorted(public + own),
        "staff": sorted(everything),
        "stranger": public,
        "anonymous": public,
        "nobody": public,
        "inactive": public,
        "unsaved": public,
    }
    found = publisher.call(models.seen, prefix)
    assert {who: visible for who, (visible, _, _) in found.items()} == expected
    for visible, listed, watchable in found.values():
        assert listed == visible
        # Beyond these, a user may watch what anyone with the link may watch.
        assert set(watchable) - set(visible) <= {f"{prefix}-link", f"{prefix}-link-owned"}
        assert set(visible) <= set(watchable)


def test_a_stream_has_an_address_for_readers_and_a_page(backend_site: Site, publisher: Publisher):
    source = publisher.open(visibility="public")
    url, page = publisher.call(models.addresses, source.name)
    assert url == f"/stream/{source.name}"
    source.write("text")
    source.end()
    assert http.ask(backend_site.address, f"{url}/chunked").body == b"text"
    assert f'"{url}"'.encode() in http.ask(backend_site.address, page).body


def test_the_admin_links_to_the_page_of_a_stream(
    backend_site: Site, publisher: Publisher, people: dict[str, Person]
):
    source = publisher.open()
    pk = publisher.call(streams.primary_key, source.name)
    staff = people["staff"].cookies
    form = f"/en/admin/streams/stream/{pk}/change/"
    answer = http.ask(backend_site.address, form, headers=staff)
    link = re.search(r'href="(\S+)" class="viewsitelink"', answer.text)[1]
    answer = http.ask(backend_site.address, link, headers=staff)
    assert answer.status == 302
    assert answer.headers["location"].endswith(publisher.call(models.addresses, source.name)[1])
