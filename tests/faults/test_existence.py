"""Nobody can find out whether a private stream exists, unless they may know."""

import re
from collections.abc import Callable, Iterator

import pytest

from tests.engine.people import Person
from tests.engine.publisher import new_name
from tests.inside import keeping, keys, users
from tests.raw import http, websocket
from tests.site import Site, SiteMaker

from .limited import publish

ON = pytest.mark.parametrize("asked", ["daphne", "uvicorn"], indirect=True)


class Asked:
    """A site with private streams: one live, one ended, one removed."""

    def __init__(self, site: Site) -> None:
        self.site = site
        found = site.call(users.make_people)
        self.people = {name: Person(*facts) for name, facts in found.items()}
        owner = self.people["owner"]
        self.live, self.ended = new_name("secret-live"), new_name("secret-done")
        self.removed = new_name("secret-removed")
        for name in (self.live, self.ended, self.removed):
            end = {} if name == self.live else {"end": "done"}
            assert publish(site.address, name, owner.token, "hush", **end).status == 202
        site.call(keeping.remove, self.removed)

    def headers(self, who: str) -> dict[str, str]:
        return {
            "nobody": {},
            "a stranger": dict(self.people["stranger"].cookies),
            "a stranger's page": dict(self.people["stranger"].form),
            "a stranger's token": dict(self.people["stranger"].bearer),
            "a wrong token": {"Authorization": "Bearer nonsense"},
        }[who]

    def answers(self, ask: Callable[[str], tuple]) -> tuple[list[tuple], tuple]:
        """Return what `ask` answers for the private streams, and for a name of no stream."""
        missing = new_name("secret-none")
        return [ask(name) for name in (self.live, self.ended, self.removed)], ask(missing)


@pytest.fixture(scope="module", params=["daphne"])
def asked(request: pytest.FixtureRequest, make_shared_site: SiteMaker) -> Iterator[Asked]:
    site = make_shared_site(servers=[request.param], STREAM_MAX_WRONG_TOKENS="none").start()
    yield Asked(site)
    site.server.assert_calm()


def without(name: str, response: http.Response) -> tuple:
    """Return what an answer tells apart from the name, the time, and random values."""
    text = response.text.replace(name, "NAME")
    text = re.sub(r'name="csrfmiddlewaretoken" value="\w+"', "", text)
    varying = ("date", "content-length", "set-cookie", "expires", "x-request-id")
    headers = {key: value for key, value in response.headers.items() if key not in varying}
    if policy := headers.get("content-security-policy"):
        # django-csp lists the directives in another order each time.
        headers["content-security-policy"] = sorted(policy.split("; "))
    names = sorted(cookie.partition("=")[0] for cookie in response.headers.cookies)
    return response.status, headers, names, text


WHO = ["nobody", "a stranger", "a stranger's page", "a stranger's token", "a wrong token"]
READS = {
    "polling": "/stream/{}/polling",
    "long polling": "/stream/{}/polling?wait=1",
    "polling from a cursor": "/stream/{}/polling?after=1",
    "chunked": "/stream/{}/chunked",
    "sse": "/stream/{}/events",
    "a replay": "/stream/{}/events?pace=0.1",
    "a wrong link": "/stream/{}/chunked?viewer=2000000000.nonsense",
    "an expired link of nobody": "/stream/{}/chunked?viewer=1.nonsense",
    "the page": "/en/live/{}/",
    "the page in Chinese": "/live/{}/",
    "the page with a wrong link": "/en/live/{}/?viewer=2000000000.nonsense",
}


@ON
@pytest.mark.parametrize("who", WHO)
def test_a_private_stream_answers_as_a_missing_one(asked: Asked, who: str):
    for read, target in READS.items():

        def ask(name: str, target: str = target) -> tuple:
            path = target.format(name)
            return without(name, http.ask(asked.site.address, path, headers=asked.headers(who)))

        private, missing = asked.answers(ask)
        assert private == [missing] * 3, read
        assert missing[0] == 404, read


@ON
@pytest.mark.parametrize("who", WHO)
def test_a_private_stream_closes_a_websocket_as_a_missing_one(asked: Asked, who: str):
    def ask(name: str) -> tuple:
        address, target = asked.site.address, f"/stream/{name}/ws"
        with websocket.connect(address, target, asked.headers(who)) as socket:
            *frames, last = socket.frames()
        return frames, last.code, last.payload[2:].decode().replace(name, "NAME")

    private, missing = asked.answers(ask)
    assert private == [missing] * 3
    assert missing[1] == 4404


@ON
@pytest.mark.parametrize("who", WHO)
def test_a_private_stream_is_not_stopped_as_a_missing_one(asked: Asked, who: str):
    def ask(name: str) -> tuple:
        target = f"/stream/{name}/stop"
        return without(
            name,
            http.ask(asked.site.address, target, method="POST", headers=asked.headers(who)),
        )

    private, missing = asked.answers(ask)
    assert private == [missing] * 3
    assert missing[0] == 404


BODIES = {
    "no JSON": ("", b"{", 400),
    "a wrong piece": ("", b'{"pieces": [1]}', 400),
    "a gap": ("", b'{"pieces": ["x"], "n": 9}', 409),
    "another format": ("", b'{"pieces": [{"a": 1}]}', 400),
    "a wrong option": ("?visibility=nobody", b'{"pieces": ["x"]}', 400),
}


@ON
@pytest.mark.parametrize("body", BODIES)
def test_a_publisher_learns_nothing_without_creating_a_stream(asked: Asked, body: str):
    query, data, status = BODIES[body]
    bearer = asked.people["stranger"].bearer

    def ask(name: str) -> tuple:
        target = f"/stream/{name}/pieces{query}"
        return without(
            name,
            http.ask(asked.site.address, target, method="POST", headers=bearer, body=data),
        )

    private, missing = asked.answers(ask)
    assert private == [missing] * 3
    assert missing[0] == status


@ON
def test_a_publisher_who_takes_the_name_of_a_private_stream_learns_only_that(asked: Asked):
    token = asked.people["stranger"].token
    for query in ("", "?takeover=1", "?format=json"):
        for name in (asked.live, asked.ended, asked.removed):
            answer = publish(asked.site.address, name, token, "x", query=query)
            assert (answer.status, answer.json) == (
                409,
                {"detail": f"The name {name!r} is taken. Publish under another name."},
            )


@ON
def test_those_who_may_know_are_told(asked: Asked):
    address, name = asked.site.address, asked.ended
    for who in ("owner", "staff"):
        cookies = asked.people[who].cookies
        assert http.ask(address, f"/stream/{name}/polling", headers=cookies).json["pieces"]
        assert http.ask(address, f"/en/live/{name}/", headers=cookies).status == 200
    # The owner's page without its CSRF token, and the owner's token after the end.
    refused = http.ask(
        address,
        f"/stream/{name}/stop",
        method="POST",
        headers=asked.people["owner"].cookies,
    )
    assert (refused.status, "CSRF" in refused.json["detail"]) == (403, True)
    again = publish(address, name, asked.people["owner"].token, "x")
    assert (again.status, "has ended" in again.json["detail"]) == (409, True)
    # Whoever was given a link may know that the link has expired.
    link = asked.site.call(keys.link, name, -60)
    assert "expired" in http.get(address, f"/stream/{name}/polling?{link}").json["detail"]


@ON
def test_a_visitor_is_told_to_log_in(asked: Asked):
    address = asked.site.address
    detail = http.get(address, f"/stream/{asked.live}/polling").json["detail"]
    assert "or it is private: log in as its owner" in detail
    for prefix, words in (("/en", "Log in"), ("", "登录")):
        page = http.get(address, f"{prefix}/live/{asked.live}/")
        link = re.search(r'<a href="([^"]*/admin/login/\?next=([^"]*))">([^<]*)</a>', page.text)
        assert link[2] == f"{prefix}/live/{asked.live}/"
        assert link[3] == words
        assert http.get(address, link[1]).status == 200
    # Who is logged in is not sent to the login again.
    stranger = asked.people["stranger"].cookies
    assert (
        "/admin/login/" not in http.ask(address, f"/en/live/{asked.live}/", headers=stranger).text
    )
