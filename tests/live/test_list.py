"""The list of streams and the pages of streams, as HTML."""

import re

import pytest

from tests.engine.people import Person
from tests.engine.publisher import Publisher
from tests.inside import streams
from tests.raw import http
from tests.waiting import wait_until

from .publishing import ON_EVERY_SERVER, WORDS, get, listed, new_name, put


@pytest.mark.parametrize("path", ["/live/", "/live/list"])
def test_a_list_shows_only_what_its_reader_may_see(site, people, prefix, path):
    public, link, private = new_name(), new_name(), new_name()
    put(site.server, people["owner"], public)
    put(site.server, people["owner"], link, query="?visibility=link")
    put(site.server, people["owner"], private, query="?visibility=owner")
    mine = {public, link, private}

    def seen(person: str | None) -> set[str]:
        response = get(site, prefix + path, people[person] if person else None)
        assert response.status == 200
        assert "no-store" in response.headers["cache-control"]
        return mine & set(listed(response.text))

    assert seen(None) == seen("stranger") == {public}
    assert seen("owner") == seen("staff") == mine


@ON_EVERY_SERVER
def test_a_row_shows_state_pieces_and_viewers(site, people):
    name = new_name()
    put(site.server, people["owner"], name, query="?title=A%20%3Cb%3Etitle%3C/b%3E")

    def row() -> str:
        html = get(site, "/en/live/list").text
        return re.search(rf'<li data-key="{name}">.*?(?=<li data-key|</section>)', html, re.DOTALL)[
            0
        ]

    assert "A &lt;b&gt;title&lt;/b&gt;" in row()
    assert 'data-state="live"' in row()
    assert f"{len(WORDS)} pieces" in row()
    with http.Connection(site.address) as viewer:
        viewer.send(f"/stream/{name}/events")
        wait_until(lambda: '<li data-method="sse"><b>1</b>' in row(), "the viewer is counted")
    wait_until(lambda: "data-method" not in row(), "the viewer has left")
    put(site.server, people["owner"], name, pieces=[], end="done")
    assert 'data-state="done"' in row()


def test_the_list_shows_that_a_producer_has_died(site):
    publisher, name = Publisher(site.env), new_name()
    publisher.open(name, visibility="public")
    publisher.kill()
    wait_until(
        lambda: re.search(
            rf'data-key="{name}">\s*<span class="state" data-state="interrupted"',
            get(site, "/live/list").text,
        ),
        "the stream is interrupted",
    )


# A stream's page.


def test_each_stream_has_a_page(site, people, prefix):
    name = new_name()
    put(site.server, people["owner"], name, query="?title=Mine")
    response = get(site, f"{prefix}/live/{name}/")
    assert response.status == 200
    assert "<h1>Mine</h1>" in response.text
    assert f'src="/stream/{name}"' in response.text
    assert 'content="noindex"' not in response.text


@pytest.mark.parametrize("name", ["nothing", "%00", "a" * 300, "%E2%82%AC"])
def test_a_stream_that_does_not_exist_has_no_page(site, prefix, name):
    assert get(site, f"{prefix}/live/{name}/").status == 404


def test_a_stream_with_a_link_is_open_but_not_indexed(site, people):
    name = new_name()
    put(site.server, people["owner"], name, query="?visibility=link")
    response = get(site, f"/live/{name}/")
    assert response.status == 200
    assert '<meta name="robots" content="noindex">' in response.text


def test_a_private_stream_is_for_its_owner_and_staff(site, people):
    name = new_name()
    put(site.server, people["owner"], name, query="?visibility=owner&title=Secret")
    for person in (None, people["stranger"]):
        response = get(site, f"/live/{name}/", person)
        assert response.status == 404
        assert "Secret" not in response.text
    for person in (people["owner"], people["staff"]):
        assert get(site, f"/live/{name}/", person).status == 200


def test_only_the_owner_and_staff_get_a_stop_button(site, people):
    name = new_name()
    put(site.server, people["owner"], name)

    def offered(person: Person | None) -> bool:
        response = get(site, f"/live/{name}/", person)
        offered = 'data-action="stop"' in response.text
        assert (
            any(cookie.startswith("csrftoken=") for cookie in response.headers.cookies) == offered
        )
        return offered

    assert not offered(None)
    assert not offered(people["stranger"])
    assert offered(people["owner"])
    assert offered(people["staff"])
    put(site.server, people["owner"], name, pieces=[], end="done")
    assert not offered(people["staff"])


def test_a_typed_text_replays_at_its_pace_and_a_recording_shows_at_once(site, people):
    recorded = new_name()
    put(site.server, people["owner"], recorded, end="done")
    assert 'pace="0.1"' in get(site, "/live/article/").text
    assert 'pace="' not in get(site, f"/live/{recorded}/").text
    assert 'pace="recorded"' in get(site, f"/live/{recorded}/?pace=recorded").text
    assert 'pace="' not in get(site, f"/live/{recorded}/?pace=abc").text


def test_the_absolute_url_of_a_stream_is_its_page(site):
    assert get(site, site.call(streams.address, "article")).status == 200
