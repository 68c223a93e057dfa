"""manage.py stop: live streams, from a shell."""

from tests.site import Site, SiteMaker

from .command import stored


def test_a_stream_is_stopped_by_its_name(site: Site, run, name):
    publish = run("publish", name)
    publish.write(b"one\n")
    publish.wait_for("is live")
    follow = run("follow", name)
    assert follow.read(4) == b"one\n"
    assert run("stop", name, "--reason", "Enough.").end() == (0, f"{name}\n", "")
    status, output, errors = follow.end()
    assert (status, output) == (3, "")
    assert "stopped. Enough." in errors
    assert publish.wait()[0] == 3
    assert site.pieces(name) == ["one\n"]


def test_one_wrong_name_does_not_keep_the_other_streams_from_being_stopped(site: Site, run, name):
    publish = run("publish", name)
    publish.wait_for("is live")
    status, output, errors = run("stop", "nowhere", "article", name).end()
    assert (status, output) == (1, f"{name}\n")
    assert errors == (
        "CommandError: There is no stream named 'nowhere'.\nStream 'article' has ended already.\n"
    )
    assert stored(site, name) == ["stopped", "Stopped by an operator."]
    assert publish.wait()[0] == 3


def test_stop_explains_a_database_without_tables(make_site: SiteMaker, run):
    status, _, errors = run("stop", "x", at=make_site()).end()
    assert status == 1
    assert "migrate" in errors
