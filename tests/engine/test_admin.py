"""Streams in the admin's form: what nobody changed stays as it was."""

from typing import Any

import pytest

from tests.raw import http
from tests.site import Site

from .people import Person, save
from .publisher import Publisher, new_name

People = dict[str, Person]

# Progress of a build, with a line that is written anew.
PIECES = ["Build 10%\r", "Build 100%\r", "\n", "ok\r\n", "über 🦊\n"]
TEXT = "".join(PIECES)


def standing(publisher: Publisher, name: str) -> list[Any]:
    """Return title, revision, state, pieces and times as the database has them."""
    return publisher.look(
        f"""
stream = log.find({name!r})
kept = [] if stream.live else log.recording(stream)
answer([stream.title, stream.revision, stream.state, *(kept and [kept.pieces.texts, kept.times])])
"""
    )


def test_another_title_leaves_the_recording_as_it_is(
    backend_site: Site, publisher: Publisher, people: People
):
    source = publisher.open(new_name("titled"))
    for piece in PIECES:
        source.write(piece)
    source.end()
    before = standing(publisher, source.name)
    assert before[3] == PIECES
    saved = save(
        backend_site, publisher, source.name, people["staff"], text=TEXT, title="Nightly build"
    )
    assert saved.status == 302
    assert standing(publisher, source.name) == ["Nightly build", *before[1:]]
    # And one that was changed is written as it was typed.
    saved = save(backend_site, publisher, source.name, people["staff"], text="a\nb")
    assert saved.status == 302
    assert standing(publisher, source.name)[1:4] == [1, "done", ["a\n", "b"]]


def test_saving_writes_nothing_that_was_not_changed(
    backend_site: Site, publisher: Publisher, people: People
):
    source = publisher.open(new_name("saved"))
    publisher.look(
        f"""
from django.db import connection
table = Stream._meta.db_table
pk = log.find({source.name!r}).pk
with connection.cursor() as cursor:
    cursor.execute("CREATE TABLE saves (pk bigint)")
    if connection.vendor == "sqlite":
        cursor.execute(
            f"CREATE TRIGGER saved AFTER UPDATE OF visibility ON {{table}} WHEN new.id = {{pk}}"
            " BEGIN INSERT INTO saves VALUES (new.id); END"
        )
    else:
        cursor.execute(
            "CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS"
            " $$ BEGIN INSERT INTO saves VALUES (new.id); RETURN new; END $$"
        )
        cursor.execute(
            f"CREATE TRIGGER saved AFTER UPDATE OF visibility ON {{table}} FOR EACH ROW"
            f" WHEN (new.id = {{pk}}) EXECUTE FUNCTION note()"
        )
"""
    )
    saves = (
        "from django.db import connection\n"
        "with connection.cursor() as cursor:\n"
        "    cursor.execute('SELECT count(*) FROM saves')\n"
        "    answer(cursor.fetchone()[0])"
    )
    try:
        assert save(backend_site, publisher, source.name, people["staff"]).status == 302
        assert publisher.look(saves) == 0
        saved = save(backend_site, publisher, source.name, people["staff"], visibility="link")
        assert saved.status == 302
        assert publisher.look(saves) == 1
    finally:
        publisher.look(
            "from django.db import connection\n"
            "with connection.cursor() as cursor:\n"
            "    on = '' if connection.vendor == 'sqlite' else f' ON {Stream._meta.db_table}'\n"
            "    cursor.execute(f'DROP TRIGGER saved{on}')\n"
            "    cursor.execute('DROP TABLE saves')\n"
            "    if on:\n"
            "        cursor.execute('DROP FUNCTION note')"
        )
    source.end()


@pytest.mark.parametrize("pace", ["0", "60.5", "1e308", "nan"])
def test_a_pace_that_no_reader_may_ask_for_is_refused(
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
    assert standing(publisher, source.name)[3] == ["text"]


def test_staff_who_may_only_look_see_the_text(
    backend_site: Site, publisher: Publisher, people: People
):
    source = publisher.open(new_name("looked"))
    source.write("what was <said>")
    source.end()
    pk = publisher.look(
        f"""
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
user = get_user_model().objects.get(pk={people["stranger"].pk})
user.is_staff = True
user.save()
user.user_permissions.set(Permission.objects.filter(codename="view_stream"))
answer(log.find({source.name!r}).pk)
"""
    )
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
        publisher.look(
            "from django.contrib.auth import get_user_model\n"
            f"get_user_model().objects.filter(pk={people['stranger'].pk}).update(is_staff=False)"
        )
