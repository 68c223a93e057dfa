"""Publishing over HTTP with a token, and everything that can be wrong with a request."""

import hashlib
import json
from collections.abc import Iterable
from typing import Any

import pytest

from tests.inside import programs, users
from tests.raw import http
from tests.site import Site, SiteMaker

from .people import CSRF, Person, introduce
from .publisher import Publisher, new_name
from .reading import Reader

People = dict[str, Person]
NDJSON = "application/x-ndjson"


def post(
    site: Site,
    name: str,
    body: Any,
    person: Person | None,
    *,
    kind: str = "application/json",
    query: str = "",
):
    """Send a body: bytes as they are, other values as JSON, or a list of lines as NDJSON.

    The stream is visible to anyone with the link, unless `query` says otherwise.
    """
    if "visibility" not in query:
        query = f"?visibility=link&{query.removeprefix('?')}"
    if not isinstance(body, bytes):
        body = b"".join(map(line, body)) if kind == NDJSON else json.dumps(body).encode()
    headers = {"Content-Type": kind, **(person.bearer if person else {})}
    target = f"/stream/{name}/pieces{query}"
    return http.ask(site.servers[-1].address, target, method="POST", headers=headers, body=body)


def line(item: Any) -> bytes:
    """Return a line of NDJSON. Bytes are lines already."""
    return item if isinstance(item, bytes) else json.dumps(item).encode() + b"\n"


def texts(numbers: Iterable[int]) -> list[str]:
    return [f"{number} " for number in numbers]


@pytest.fixture
def owner(people: People) -> Person:
    return people["owner"]


def test_pieces_are_published_and_the_stream_ended(backend_site: Site, owner: Person):
    name = new_name("posted")
    first = post(backend_site, name, {"pieces": texts(range(3))}, owner, query="?title=Posted")
    assert (first.status, first.json) == (202, {"after": 3, "state": "live"})
    lines = [{"text": "3 ", "n": 3}, b"\r\n", {"text": "4 \u2028\r\n"}, {"end": "done"}]
    last = post(backend_site, name, lines, owner, kind=NDJSON)
    assert (last.status, last.json) == (202, {"after": 5, "state": "done"})
    reader = Reader(name).read("sse", backend_site.address)
    assert (reader.text, reader.state) == ("0 1 2 3 4 \u2028\r\n", "done")


def test_repeated_pieces_are_ignored_and_a_gap_is_refused(backend_site: Site, owner: Person):
    name = new_name("numbered")
    for _ in range(2):  # The publisher repeats the request as if the response was lost.
        answer = post(backend_site, name, {"pieces": texts(range(3)), "n": 0}, owner)
        assert (answer.status, answer.json["after"]) == (202, 3)
    overlap = post(backend_site, name, {"pieces": texts(range(2, 5)), "n": 2}, owner)
    assert (overlap.status, overlap.json["after"]) == (202, 5)
    gap = post(backend_site, name, {"pieces": texts([6]), "n": 6}, owner)
    assert (gap.status, gap.json["after"]) == (409, 5)
    assert "6" in gap.json["detail"]
    assert "5" in gap.json["detail"]
    post(backend_site, name, {"end": "done"}, owner)
    assert Reader(name).read("chunked", backend_site.address).texts == texts(range(5))


def test_simultaneous_requests_of_one_publisher_lose_no_accepted_piece(
    backend_site: Site, owner: Person, at_once
):
    name = new_name("crowded")
    post(backend_site, name, {"pieces": []}, owner)
    # Some of the texts are equal.
    posted = [f"{number % 4} " for number in range(12)]
    answers = list(
        at_once.map(lambda text: post(backend_site, name, {"pieces": [text]}, owner), posted)
    )
    assert [answer.status for answer in answers] == [202] * 12
    assert sorted(answer.json["after"] for answer in answers) == list(range(1, 13))
    post(backend_site, name, {"end": "done"}, owner)
    kept = Reader(name).read("polling", backend_site.address).texts
    assert sorted(kept) == sorted(posted)


def test_the_request_that_ended_a_stream_may_be_repeated(backend_site: Site, owner: Person):
    name = new_name("repeated")
    last = {"pieces": texts(range(2)), "n": 0, "end": "failed", "reason": "out of paper"}
    for _ in range(2):
        answer = post(backend_site, name, last, owner)
        assert (answer.status, answer.json) == (202, {"after": 2, "state": "failed"})
    assert Reader(name).read("chunked", backend_site.address).texts == texts(range(2))
    for other in (
        last | {"reason": "out of ink"},
        last | {"end": "done"},
        last | {"n": 1},
        {"pieces": texts([1]), "end": "failed", "reason": "out of paper"},
    ):
        assert post(backend_site, name, other, owner).status == 409
    assert post(backend_site, name, last, owner, query="?producer=another").status == 409


def test_a_first_request_with_a_gap_makes_no_stream(backend_site: Site, owner: Person):
    name = new_name("gap")
    answer = post(backend_site, name, {"pieces": ["late"], "n": 5}, owner)
    assert answer.status == 409
    assert "5" in answer.json["detail"]
    found = http.ask(backend_site.address, f"/stream/{name}/polling")
    assert found.status == 404


def test_a_publisher_may_end_its_stream_as_failed_with_a_reason(backend_site: Site, owner: Person):
    name = new_name("failed")
    post(backend_site, name, {"pieces": ["half"], "end": "failed", "reason": "out of paper"}, owner)
    reader = Reader(name).read("websocket", backend_site.address)
    assert (reader.text, reader.state, reader.end["reason"]) == ("half", "failed", "out of paper")


def test_publishing_to_an_ended_stream_is_refused(backend_site: Site, owner: Person):
    name = new_name("ended")
    post(backend_site, name, {"pieces": ["all"], "end": "done"}, owner)
    for query in ("", "?takeover=1"):
        answer = post(backend_site, name, {"pieces": ["more"]}, owner, query=query)
        assert answer.status == 409
        assert "done" in answer.json["detail"]
    assert Reader(name).read("polling", backend_site.address).text == "all"


def test_a_second_publisher_is_refused_unless_it_takes_over(backend_site: Site, owner: Person):
    name = new_name("two")
    post(backend_site, name, {"pieces": ["first "]}, owner, query="?producer=a")
    refused = post(backend_site, name, {"pieces": ["no"]}, owner, query="?producer=b")
    assert refused.status == 409
    taken = post(backend_site, name, {"pieces": ["second"]}, owner, query="?producer=b&takeover=1")
    assert (taken.status, taken.json["after"]) == (202, 2)
    late = post(backend_site, name, {"pieces": ["late"]}, owner, query="?producer=a")
    assert late.status == 409
    post(backend_site, name, {"end": "done"}, owner, query="?producer=b")
    assert Reader(name).read("polling", backend_site.address).text == "first second"


def test_another_users_stream_cannot_be_taken_over(backend_site: Site, people: People):
    name = new_name("owned")
    post(backend_site, name, {"pieces": ["mine"]}, people["owner"])
    answer = post(backend_site, name, {"pieces": ["no"]}, people["stranger"], query="?takeover=1")
    assert answer.status == 409


def test_a_token_without_an_owner_neither_takes_over_nor_stops_another_tokens_stream(
    backend_site: Site, publisher: Publisher
):
    first, second = (
        {"Authorization": f"Bearer {publisher.call(users.make_token, label)}"}
        for label in ("first", "second")
    )
    name = new_name("ownerless")

    def ask(headers: dict[str, str], endpoint: str, body: bytes = b"") -> int:
        return http.ask(
            backend_site.address,
            f"/stream/{name}/{endpoint}",
            method="POST",
            headers={**headers, "Content-Type": "application/json"},
            body=body,
        ).status

    assert ask(first, "pieces", b'{"pieces": ["one "]}') == 202
    assert ask(second, "pieces?takeover=1", b'{"pieces": ["two "]}') == 409
    assert ask(second, "stop") == 403
    assert ask(first, "pieces?producer=b&takeover=1", b'{"pieces": ["two "]}') == 202
    assert ask(first, "stop") == 202


def test_an_end_that_came_after_a_stop_is_answered_with_the_stop(backend_site: Site, owner: Person):
    answer = backend_site.call(
        programs.end_over_http_while_somebody_stops, new_name("raced"), owner.token
    )
    assert tuple(answer) == (202, {"after": 1, "state": "stopped"})


# Tokens.

WRONG_TOKENS = {
    "none": {},
    "unknown": {"Authorization": "Bearer nonsense"},
    "empty": {"Authorization": "Bearer "},
    "another scheme": {"Authorization": "Basic b3duZXI6b3duZXI="},
    "not ASCII": {"Authorization": "Bearer \xff\xfe"},
}


@pytest.mark.parametrize("token", WRONG_TOKENS)
def test_publishing_without_a_valid_token_is_refused(backend_site: Site, token: str):
    name = new_name("wrong-token")
    target = f"/stream/{name}/pieces"
    headers = WRONG_TOKENS[token]
    answer = http.ask(
        backend_site.address, target, method="POST", headers=headers, body=b'{"pieces": ["x"]}'
    )
    assert answer.status == 401
    assert "token" in answer.json["detail"]
    assert http.get(backend_site.address, f"/stream/{name}/polling").status == 404


def admin_post(site: Site, path: str, person: Person, **fields: str) -> http.Response:
    body = "&".join(
        f"{name}={value}" for name, value in {"csrfmiddlewaretoken": CSRF, **fields}.items()
    )
    headers = {**person.form, "Content-Type": "application/x-www-form-urlencoded"}
    return http.ask(site.address, path, method="POST", headers=headers, body=body.encode())


def test_the_admin_makes_a_token_shows_it_once_keeps_a_hash_and_revokes_it(
    backend_site: Site, publisher: Publisher, people: People
):
    staff, label = people["staff"], new_name("token")
    made = admin_post(
        backend_site, "/admin/streams/publishtoken/add/", staff, label=label, owner=""
    )
    assert made.status == 302
    # Only the next page shows the message with the key.
    cookies = staff.cookies["Cookie"] + "; " + made.headers["set-cookie"].partition(";")[0]
    shown = http.get(backend_site.address, "/admin/streams/publishtoken/", cookie=cookies).text
    pk, digest, hint = publisher.call(users.token_with, label)
    key = next(word for word in words(shown) if word.startswith(hint) and len(word) == 43)
    assert digest == hashlib.sha256(key.encode()).hexdigest()
    again = http.get(
        backend_site.address, "/admin/streams/publishtoken/", cookie=staff.cookies["Cookie"]
    )
    assert key not in again.text
    assert label in again.text

    bearer = Person(0, "", key)
    name = new_name("by-token")
    assert post(backend_site, name, {"pieces": ["one"]}, bearer).status == 202
    action = {"action": "revoke_tokens", "_selected_action": str(pk)}
    assert admin_post(backend_site, "/admin/streams/publishtoken/", staff, **action).status == 302
    revoked = post(backend_site, name, {"pieces": ["two"]}, bearer)
    assert revoked.status == 401
    assert "revoked" in revoked.json["detail"]
    assert Reader(name).read("websocket", backend_site.address, 1).text == "one"


def words(page: str) -> list[str]:
    """Return the words of a page that may be a key."""
    return "".join(c if c.isascii() and (c.isalnum() or c in "-_") else " " for c in page).split()


# Bodies.

BAD_BODIES = {
    "not JSON": (400, b"hello"),
    "not UTF-8": (400, b'{"pieces": ["\xff"]}'),
    "nothing": (400, b""),
    "a list": (400, ["x"]),
    "nested without end": (400, b"[" * 100_000),
    "pieces that are no list": (400, {"pieces": "x"}),
    "a piece that is no text": (400, {"pieces": [1]}),
    "an empty piece": (400, {"pieces": [""]}),
    "a NUL": (400, {"pieces": ["a\0b"]}),
    "half a surrogate pair": (400, b'{"pieces": ["\\ud83d"]}'),
    "an unknown field": (400, {"peices": ["x"]}),
    "a number that is none": (400, {"pieces": ["x"], "n": "0"}),
    "a negative number": (400, {"pieces": ["x"], "n": -1}),
    "true for a number": (400, {"pieces": ["x"], "n": True}),
    "an unknown end": (400, {"pieces": [], "end": "stopped"}),
    "an end that is no text": (400, {"pieces": [], "end": {}}),
    "a reason that is no text": (400, {"pieces": [], "end": "failed", "reason": 7}),
    "a gap": (409, {"pieces": ["x"], "n": 10**30}),
    "a piece too large": (413, {"pieces": ["x" * 65_537]}),
}


@pytest.mark.parametrize("body", BAD_BODIES)
def test_an_invalid_body_is_refused_with_a_reason_and_the_stream_goes_on(
    backend_site: Site, owner: Person, body: str
):
    name = new_name("bad-body")
    assert post(backend_site, name, {"pieces": ["before "]}, owner).status == 202
    status, bad = BAD_BODIES[body]
    answer = post(backend_site, name, bad, owner)
    assert answer.status == status
    assert answer.json["detail"]
    assert post(backend_site, name, {"pieces": ["after"], "end": "done"}, owner).json["after"] == 2
    assert Reader(name).read("polling", backend_site.address).text == "before after"


BAD_LINES = {
    "not JSON": (400, b"{]\n"),
    "not UTF-8": (400, b'{"text": "\xff"}\n'),
    "half a line": (400, b'{"text": "x'),
    "neither text nor end": (400, {"piece": "x"}),
    "no object": (400, ["x"]),
    "a text that is none": (400, {"text": 7}),
    "an empty text": (400, {"text": ""}),
    "too large": (413, {"text": "x" * 65_537}),
    "a gap": (409, {"text": "x", "n": 7}),
    "nested without end": (400, b"[" * 100_000 + b"\n"),
}


@pytest.mark.parametrize("bad", BAD_LINES)
def test_the_lines_before_an_invalid_line_are_kept_and_the_error_names_the_line(
    backend_site: Site, owner: Person, bad: str
):
    name = new_name("bad-line")
    status, broken = BAD_LINES[bad]
    answer = post(
        backend_site,
        name,
        [{"text": "0 "}, {"text": "1 "}, broken, b'\n{"text": "2 "}\n'],
        owner,
        kind=NDJSON,
    )
    assert answer.status == status
    assert answer.json["after"] == 2
    assert "Line 3" in answer.json["detail"]
    post(backend_site, name, [{"text": "2 ", "n": 2}, {"end": "done"}], owner, kind=NDJSON)
    assert Reader(name).read("polling", backend_site.address).texts == texts(range(3))


def test_a_line_after_the_end_is_refused_and_named(backend_site: Site, owner: Person):
    name = new_name("after-end")
    lines = [{"text": "0 "}, {"end": "done"}, {"text": "1 "}]
    answer = post(backend_site, name, lines, owner, kind=NDJSON)
    assert answer.status == 400
    assert "Line 3" in answer.json["detail"]


def test_a_body_that_is_too_large_is_refused_and_adds_nothing(backend_site: Site, owner: Person):
    name = new_name("too-large")
    post(backend_site, name, {"pieces": ["before"]}, owner)
    answer = post(backend_site, name, [{"text": "x" * 60_000}] * 150, owner, kind=NDJSON)
    assert answer.status == 413
    assert "bytes" in answer.json["detail"]
    post(backend_site, name, {"end": "done"}, owner)
    assert Reader(name).read("polling", backend_site.address).text == "before"


# Names and queries.


@pytest.mark.parametrize("name", ["x" * 300, "-a", "a%20b", "%C3%BC", "a%00", ".", "a%0A"])
def test_an_invalid_name_is_refused(backend_site: Site, owner: Person, name: str):
    answer = post(backend_site, name, {"pieces": ["x"]}, owner)
    assert answer.status == 400
    assert "1 to 100" in answer.json["detail"] or "name" in answer.json["detail"]


@pytest.mark.parametrize("name", ["a/b", "a%2Fb", ""])
def test_a_name_with_a_slash_is_a_404(backend_site: Site, owner: Person, name: str):
    assert post(backend_site, name, {"pieces": ["x"]}, owner).status == 404


@pytest.mark.parametrize("query", ["?visibility=all", "?title=" + "x" * 201, "?title=%00"])
def test_an_invalid_query_is_refused_and_makes_no_stream(
    backend_site: Site, owner: Person, query: str
):
    name = new_name("bad-query")
    assert post(backend_site, name, {"pieces": ["x"]}, owner, query=query).status == 400
    assert http.get(backend_site.address, f"/stream/{name}/polling").status == 404


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
@pytest.mark.parametrize("endpoint", ["pieces", "stop"])
def test_publishing_and_stopping_allow_only_post(
    backend_site: Site, owner: Person, endpoint: str, method: str
):
    answer = http.ask(
        backend_site.address, f"/stream/any/{endpoint}", method=method, headers=owner.bearer
    )
    assert (answer.status, answer.headers["allow"]) == (405, "POST")


# Limits of a stream.


@pytest.fixture(scope="module")
def small(make_shared_site: SiteMaker):
    """Yield a site with low limits, its process of sources and its owner."""
    site = make_shared_site(STREAM_MAX_PIECES="200", STREAM_MAX_LENGTH="5000").start()
    publisher = Publisher(site.env)
    yield site, publisher, introduce(publisher)["owner"]
    publisher.kill()


@pytest.mark.parametrize(
    "more",
    [texts(range(201)), ["x" * 3000, "y" * 3000]],
    ids=["too many pieces", "too many characters"],
)
def test_pieces_beyond_the_limits_of_a_stream_are_refused(small, more: list[str]):
    site, _publisher, owner = small
    name = new_name("limited")
    answer = post(site, name, {"pieces": more}, owner)
    assert answer.status == 413
    assert "The limit is" in answer.json["detail"]
    # The stream still takes pieces that fit.
    assert post(site, name, {"pieces": more[:1], "end": "done"}, owner).status == 202
    assert Reader(name).read("polling", site.address).texts == more[:1]


@pytest.mark.parametrize("form", ["async", "sync"])
@pytest.mark.parametrize(
    "more",
    [texts(range(201)), ["x" * 3000, "y" * 3000]],
    ids=["too many pieces", "too many characters"],
)
def test_a_source_beyond_the_limits_fails_its_stream_with_the_reason(
    small, form: str, more: list[str]
):
    site, publisher, _owner = small
    source = publisher.open(new_name("limited"), form=form)
    for text in more:
        source.begin([text])
    while (event := publisher.next_event(source.name))["event"] == "written":
        pass
    assert (event["event"], event["error"]) == ("raised", "TooLarge")
    reader = Reader(source.name).read("polling", site.address)
    assert reader.state == "failed"
    assert reader.texts == more[:-1]
    assert reader.end["reason"]
