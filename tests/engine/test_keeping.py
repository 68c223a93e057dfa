"""Keeping: how long a stream is kept after its end, and what readers of a removed stream see."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from streamsite.streams import client
from tests.inside import keeping, streams
from tests.raw import http
from tests.reading import read
from tests.site import Site
from tests.waiting import wait_until

from .people import Person, save
from .publisher import Publisher, new_name
from .reading import TRANSPORTS, Reader, Refused
from .test_publishing import post

People = dict[str, Person]
TEXT = "first second third fourth"
DAY = 86_400


@pytest.fixture(autouse=True, scope="module")
def paused(shared_backend_site: Site, publisher: Publisher) -> Iterator[None]:
    """Let each test choose the moment at which streams are removed.

    Between two tests, a server could begin to remove streams, and go on in the next test.
    """
    publisher.call(keeping.pause)
    yield
    publisher.call(keeping.resume)


@pytest.fixture
def removed(publisher: Publisher) -> str:
    """Return the name of a stream that was removed after its time."""
    name = new_name("removed")
    publisher.call(keeping.publish, name, TEXT)
    publisher.call(keeping.remove, name)
    return name


# How long a stream is kept.


@pytest.mark.parametrize(
    # No time that ends while another test counts the streams that are due.
    ("keep", "seconds"),
    [(None, 30 * DAY), (0, 0), (DAY + 0.5, DAY + 0.5), (400 * DAY, 400 * DAY)],
)
def test_a_stream_is_kept_after_its_end_for_the_time_that_it_says(
    publisher: Publisher, keep: float | None, seconds: float
):
    name = new_name("kept")
    publisher.call(keeping.publish, name, TEXT, keep)
    assert publisher.call(keeping.kept_for, name) == seconds


def test_a_stream_may_be_kept_for_ever(publisher: Publisher):
    name = new_name("kept")
    publisher.call(keeping.publish, name, TEXT, "forever")
    assert publisher.call(keeping.kept_for, name) is None


def test_the_articles_text_is_kept_for_ever(publisher: Publisher):
    assert publisher.call(keeping.kept_for, "article") is None


def test_a_reserved_stream_is_kept_for_the_time_of_its_reservation(publisher: Publisher):
    name = new_name("reserved")
    publisher.call(keeping.reserve, name, 2 * DAY)
    publisher.call(keeping.publish, name, TEXT, 7 * DAY)
    assert publisher.call(keeping.kept_for, name) == 2 * DAY


@pytest.mark.parametrize(
    ("keep", "seconds"), [("45m", 45 * 60), ("7d", 7 * DAY), ("forever", None)]
)
def test_a_publisher_over_http_says_how_long_its_stream_is_kept(
    backend_site: Site, publisher: Publisher, people: People, keep: str, seconds: float | None
):
    name = new_name("posted")
    body = {"pieces": ["x"], "end": "done"}
    assert post(backend_site, name, body, people["owner"], query=f"?keep={keep}").status == 202
    assert publisher.call(keeping.kept_for, name) == seconds


@pytest.mark.parametrize("keep", ["", "7", "-7d", "1.5d", "7w", "99999d", "never"])
def test_a_duration_that_is_not_valid_is_refused_over_http(
    backend_site: Site, people: People, keep: str
):
    query = f"?keep={keep}"
    answer = post(backend_site, new_name(), {"pieces": ["x"]}, people["owner"], query=query)
    assert answer.status == 400
    assert answer.json["detail"].startswith("keep=")


@pytest.mark.parametrize("keep", ["soon", -1, 36_501 * DAY])
def test_a_duration_that_is_not_valid_is_refused_in_python(publisher: Publisher, keep: float | str):
    with pytest.raises(AssertionError, match=r"BadRequest.*is not valid"):
        publisher.call(keeping.publish, new_name(), TEXT, keep)


# What is removed.


def test_streams_are_removed_when_their_time_is_over_and_not_before(publisher: Publisher):
    ended, later, live = (new_name("pruned") for _ in range(3))
    publisher.call(keeping.publish, ended, TEXT, 0)
    publisher.call(keeping.publish, later, TEXT, DAY)
    source = publisher.open(live, keep="forever")
    publisher.call(keeping.let_time_pass, live)
    removed = publisher.call(keeping.prune)
    assert ended in removed
    assert {later, live}.isdisjoint(removed)
    source.end()
    assert publisher.call(streams.state, live) == "done"


def test_one_process_at_a_time_removes_streams(publisher: Publisher):
    chore = new_name("chore")
    assert sorted(publisher.call(keeping.claims_at_once, chore, 8)) == [False] * 7 + [True]
    assert publisher.call(keeping.claims_at_once, chore, 1) == [False]


def test_a_protected_stream_is_put_off_and_the_others_are_removed(publisher: Publisher):
    names = [new_name("protected") for _ in range(3)]
    publisher.call(keeping.publish_several, names)
    removed = publisher.call(keeping.prune_despite_protection, names[1])
    assert {names[0], names[2]} <= set(removed)
    assert publisher.call(keeping.exists, names[1])
    assert names[1] not in publisher.call(keeping.prune)


def test_the_command_removes_all_that_is_due_and_says_what(
    backend_site: Site, publisher: Publisher
):
    names = [new_name("due") for _ in range(30)]
    publisher.call(keeping.publish_several, names)
    dry = backend_site.manage("prunestreams", "--dry-run")
    assert set(names) <= set(dry.stdout.split())
    assert all(publisher.call(keeping.exists, name) for name in names)
    done = backend_site.manage("prunestreams")
    assert done.returncode == 0, done.stderr
    assert set(names) <= set(done.stdout.split())
    assert f"Streams removed: {len(done.stdout.split())}." in done.stderr
    assert not any(publisher.call(keeping.exists, name) for name in names)
    assert publisher.call(keeping.exists, "article")
    again = backend_site.manage("prunestreams")
    assert (again.stdout, "Streams removed: 0." in again.stderr) == ("", True)


# The readers and the name of a removed stream.


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_reader_of_a_removed_stream_is_told_so(backend_site: Site, removed: str, transport: str):
    with pytest.raises(Refused, match="was removed, because the time") as refused:
        Reader(removed).read(transport, backend_site.address)
    assert refused.value.status == 410


@pytest.mark.parametrize("transport", client.TRANSPORTS)
async def test_the_client_does_not_wait_for_a_removed_stream(
    backend_site: Site, removed: str, transport: str
):
    with pytest.raises(client.Refused, match="was removed") as refused:
        await read(f"{backend_site.url}/stream/{removed}", transport=transport, wait=True)
    assert refused.value.status == 410


@pytest.mark.parametrize("prefix", ["", "/en"])
def test_the_page_of_a_removed_stream_says_so(backend_site: Site, removed: str, prefix: str):
    page = http.get(backend_site.address, f"{prefix}/live/{removed}/")
    assert page.status == 410
    assert ("This stream was removed" if prefix else "这条流已被移除") in page.text


def test_a_reader_who_has_begun_gets_the_whole_text(backend_site: Site, publisher: Publisher):
    name = new_name("begun")
    publisher.call(keeping.publish, name, TEXT)
    with http.Connection(backend_site.address) as connection:
        connection.send(f"/stream/{name}/chunked?pace=0.5")
        assert http.read_head(connection.file).status == 200
        chunks = http.read_chunks(connection.file)
        text, _wire = next(chunks)
        publisher.call(keeping.remove, name)
        text += b"".join(data for data, _wire in chunks)
    assert text.decode() == TEXT.replace(" ", "")


def test_a_reader_who_lacks_the_rest_is_told_why_the_stream_ends(publisher: Publisher):
    name = new_name("late")
    publisher.call(keeping.publish, name, TEXT)
    state, reason = publisher.call(keeping.follow_after_removal, name)
    assert state == "failed"
    assert "was removed, because the time" in reason


def test_a_poll_after_the_removal_is_told_so(backend_site: Site, publisher: Publisher):
    name = new_name("polled")
    publisher.call(keeping.publish, name, TEXT)
    target = f"/stream/{name}/polling?limit=1&after="
    assert http.get(backend_site.address, f"{target}0").json["after"] == 1
    publisher.call(keeping.remove, name)
    # A server caches a finished stream for a moment.
    wait_until(
        lambda: http.get(backend_site.address, f"{target}1").status == 410, "the poll is refused"
    )


def test_a_removed_name_is_not_used_again(
    backend_site: Site, publisher: Publisher, people: People, removed: str
):
    assert publisher.launch(removed).expect("raised")["error"] == "Removed"
    with pytest.raises(AssertionError, match="Removed"):
        publisher.call(keeping.reserve, removed)
    answer = post(backend_site, removed, {"pieces": ["x"]}, people["owner"])
    assert (answer.status, "was removed" in answer.json["detail"]) == (410, True)


def test_a_removed_name_is_forgotten_after_a_year(publisher: Publisher, removed: str):
    publisher.call(keeping.let_tombstone_age, removed)
    publisher.call(keeping.prune)
    with pytest.raises(AssertionError, match="NoSuchStream"):
        publisher.call(keeping.kept_for, removed)
    publisher.call(keeping.publish, removed, TEXT)


# In the admin.


def test_staff_filter_streams_by_the_moment_of_removal(
    backend_site: Site, publisher: Publisher, people: People
):
    soon, never = new_name("soon"), new_name("never")
    publisher.call(keeping.publish, soon, TEXT, DAY / 2)
    publisher.call(keeping.publish, never, TEXT, "forever")
    for kept, shown in (("1", [True, False]), ("30", [True, False]), ("forever", [False, True])):
        target = f"/admin/streams/stream/?kept={kept}&q="
        found = [
            f">{name}<"
            in http.get(backend_site.address, target + name, **people["staff"].cookies).text
            for name in (soon, never)
        ]
        assert found == shown


def test_staff_change_how_long_a_stream_is_kept(
    backend_site: Site, publisher: Publisher, people: People
):
    name = new_name("changed")
    publisher.call(keeping.publish, name, TEXT)
    until = {"expires_at_0": "2999-12-31", "expires_at_1": "12:00:00"}
    assert save(backend_site, publisher, name, people["staff"], **until).status == 302
    assert publisher.call(keeping.kept_for, name) > timedelta(days=300_000).total_seconds()
    until = {"expires_at_0": "", "expires_at_1": ""}
    assert save(backend_site, publisher, name, people["staff"], **until).status == 302
    assert publisher.call(keeping.kept_for, name) is None
