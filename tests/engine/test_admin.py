"""Streams in the admin: saving the form changes only what the user changed."""

from typing import Any

import pytest

from tests.inside import saves, streams, users
from tests.raw import http
from tests.site import Site

from .people import Person, save
from .publisher import Publisher, new_name

People = dict[str, Person]

# The output of a build, whose first line is a progress display that overwrites itself.
PIECES = ["Build 10%\r", "Build 100%\r", "\n", "ok\r\n", "über 🦊\n"]
TEXT = "".join(PIECES)


def stored(publisher: Publisher, name: str) -> list[Any]:
    """Return the stream's title, revision, state, pieces and times in the database."""
    return publisher.call(streams.kept, name)


def test_a_change_of_the_title_keeps_the_recording(
    backend_site: Site, publisher: Publisher, people: People
):
    source = publisher.open(new_name("titled"))
    for piece in PIECES:
        source.write(piece)
    source.end()
    before = stored(publisher, source.name)
    assert before[3] == PIECES
    saved = save(
        backend_site, publisher, source.name, people["staff"], text=TEXT, title="Nightly build"
    )
    assert saved.status == 302
    assert stored(publisher, source.name) == ["Nightly build", *before[1:]]
    # An edited text is recorded as typed.
    saved = save(backend_site, publisher, source.name, people["staff"], text="a\nb")
    assert saved.status == 302
    assert stored(publisher, source.name)[1:4] == [1, "done", ["a\n", "b"]]


def test_only_changed_fields_are_saved(backend_site: Site, publisher: Publisher, people: People):
    source = publisher.open(new_name("saved"), visibility="public")
    publisher.call(saves.begin_counting, source.name)
    try:
        assert save(backend_site, publisher, source.name, people["staff"]).status == 302
        assert publisher.call(saves.counted) == 0
        saved = save(backend_site, publisher, source.name, people["staff"], visibility="link")
        assert saved.status == 302
        assert publisher.call(saves.counted) == 1
    finally:
        publisher.call(saves.end_counting)
    source.end()


@pytest.mark.parametrize("pace", ["0", "60.5", "1e308", "nan"])
def test_a_pace_outside_the_limits_is_refused(
    backend_site: Site, publisher: Publisher, people: People, pace: str
):
    source = publisher.open(new_name("paced"))
    source.write("text")
    source.end()
    answer = save(
        backend_site, publisher, source.name, people["staff"], text="another text", pace=pace
    )
    assert answer.status == 200
    assert "errorlist" in answer.text
    assert stored(publisher, source.name)[3] == ["text"]


def test_staff_who_may_only_view_a_stream_see_its_text(
    backend_site: Site, publisher: Publisher, people: People
):
    source = publisher.open(new_name("looked"))
    source.write("what was <said>")
    source.end()
    publisher.call(users.let_view_streams, people["stranger"].pk)
    pk = publisher.call(streams.primary_key, source.name)
    try:
        page = http.ask(
            backend_site.address,
            f"/admin/streams/stream/{pk}/change/",
            headers=dict(people["stranger"].cookies),
        )
        assert page.status == 200
        assert "what was &lt;said&gt;" in page.text
        assert "<textarea" not in page.text
    finally:
        publisher.call(users.remove_from_staff, people["stranger"].pk)
