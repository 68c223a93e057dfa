"""Who sends a request: a login, a policy of the project, pages of other origins, CSRF tokens."""

import json
import re
from collections.abc import Iterator, Mapping

import pytest

from tests.inside import keys
from tests.raw import http, websocket
from tests.site import SERVERS, Site, SiteMaker

from .people import CSRF, Person, introduce
from .publisher import Publisher, Source, new_name
from .reading import TRANSPORTS, Reader, Refused

People = dict[str, Person]

ELSEWHERE = "https://elsewhere.example"
FOREIGN = {"Origin": ELSEWHERE}


class Project:
    """A site with settings of its own, its users, and streams of the owner."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.publisher = Publisher(site.env)
        self.people = introduce(self.publisher)

    def open(self, visibility: str = "public", name: str = "") -> Source:
        source = self.publisher.open(
            name or new_name("policy"), owner=self.people["owner"].pk, visibility=visibility
        )
        source.write("one ", "two")
        return source

    def post(self, target: str, headers: Mapping[str, str], body: object = None) -> http.Response:
        kind = {"Content-Type": "application/json"} if body is not None else {}
        data = b"" if body is None else json.dumps(body).encode()
        return http.ask(
            self.site.address, target, method="POST", headers={**headers, **kind}, body=data
        )

    def read(self, transport: str, name: str, headers: Mapping[str, str]) -> str:
        return Reader(name, headers).read(transport, self.site.address, 2).text

    def status(self, transport: str, name: str, headers: Mapping[str, str]) -> int:
        with pytest.raises(Refused) as refused:
            self.read(transport, name, headers)
        return refused.value.status


def project(make: SiteMaker, on: str, settings: str) -> Iterator[Project]:
    site = make(
        servers=[on],
        DJANGO_SETTINGS_MODULE=f"tests.inside.settings.{settings}",
        STREAM_ALLOWED_ORIGINS=ELSEWHERE,
    ).start()
    project = Project(site)
    yield project
    project.publisher.kill()
    site.server.assert_calm()


@pytest.fixture(scope="module", params=SERVERS)
def login(request: pytest.FixtureRequest, make_shared_site: SiteMaker) -> Iterator[Project]:
    """Yield a project that demands a login everywhere."""
    yield from project(make_shared_site, request.param, "login")


@pytest.fixture(scope="module", params=SERVERS)
def keyed(request: pytest.FixtureRequest, make_shared_site: SiteMaker) -> Iterator[Project]:
    """Yield a project with a policy of its own, and CSRF tokens in the session."""
    yield from project(make_shared_site, request.param, "keys")


# LoginRequiredMiddleware.


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_reader_logs_in_where_the_project_demands_a_login(login: Project, transport: str):
    name = login.open().name
    assert login.status(transport, name, {}) == 401
    assert login.status(transport, name, {"Cookie": "sessionid=nonsense"}) == 401
    assert login.read(transport, name, login.people["stranger"].cookies) == "one two"


@pytest.mark.parametrize("path", ["openapi.json", "not-there/polling", "polling", "events"])
def test_every_endpoint_demands_a_login(login: Project, path: str):
    answer = http.get(login.site.address, f"/stream/{path}")
    assert answer.status == 401
    assert answer.json["detail"]


@pytest.mark.parametrize("path", ["/stream/ws", "/stream/not-there/ws", "/nowhere"])
def test_every_websocket_demands_a_login(login: Project, path: str):
    with websocket.connect(login.site.address, path) as socket:
        (frame,) = socket.frames()
    assert frame.code == 4401


def test_a_viewer_link_and_a_publisher_token_take_the_place_of_a_login(login: Project):
    name = new_name("policy")
    delivery = {"pieces": ["one ", "two"], "end": "done"}
    assert login.post(f"/stream/{name}/pieces", {}, delivery).status == 401
    bearer = login.people["owner"].bearer
    assert login.post(f"/stream/{name}/pieces", bearer, delivery).status == 202
    link = login.publisher.call(keys.link, name, 60)
    address = login.site.address
    assert http.get(address, f"/stream/{name}/chunked?{link}").text == "one two"
    assert http.get(address, f"/stream/other/chunked?{link}").status == 401
    assert http.get(address, f"/stream/openapi.json?{link}").status == 401


def test_health_checks_need_no_login(login: Project):
    assert http.get(login.site.address, "/healthz").status == 200
    assert http.get(login.site.address, "/readyz").status == 200


def test_pages_of_other_origins_can_read_why_they_are_refused(login: Project):
    answer = http.get(login.site.address, "/stream/openapi.json", **FOREIGN)
    assert (answer.status, answer.headers["access-control-allow-origin"]) == (401, ELSEWHERE)


# A policy of the project.


def key_of(name: str) -> dict[str, str]:
    return {"Authorization": f"Key {name}"}


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_the_policy_says_who_watches(keyed: Project, transport: str):
    name = keyed.open("owner").name
    assert keyed.read(transport, name, key_of("owner")) == "one two"
    assert keyed.read(transport, name, keyed.people["owner"].cookies) == "one two"
    assert keyed.status(transport, name, key_of("stranger")) == 404
    assert keyed.status(transport, name, {}) == 404


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_policy_may_close_a_public_stream_and_say_why(keyed: Project, transport: str):
    name = keyed.open(name=new_name("closed")).name
    with pytest.raises(Refused, match="closed for today") as refused:
        keyed.read(transport, name, key_of("owner"))
    assert refused.value.status == 403
    assert http.get(keyed.site.address, f"/live/{name}/").status == 403


def test_the_policy_says_who_stops_over_http(keyed: Project):
    name = keyed.open().name
    assert keyed.post(f"/stream/{name}/stop", key_of("stranger")).status == 403
    # A browser would add this cookie to the request of another site's page.
    mixed = {**key_of("owner"), **keyed.people["owner"].cookies}
    assert keyed.post(f"/stream/{name}/stop", mixed).status == 403
    answer = keyed.post(f"/stream/{name}/stop", key_of("owner"))
    assert (answer.status, answer.json) == (202, {"state": "stopped"})
    assert Reader(name).read("polling", keyed.site.address).end["reason"] == "Stopped by its owner."


@pytest.mark.parametrize(("who", "answer"), [("owner", "end"), ("stranger", "error")])
def test_the_policy_says_who_stops_on_a_websocket(keyed: Project, who: str, answer: str):
    name = keyed.open().name
    assert answer in last_record_after_stop(keyed.site, name, key_of(who))


def last_record_after_stop(site: Site, name: str, headers: Mapping[str, str]) -> dict[str, object]:
    """Stop a stream of two pieces on a WebSocket, and return the first record after the pieces."""
    with websocket.connect(site.address, f"/stream/{name}/ws", headers) as socket:
        records = [json.loads(socket.read_text()) for _ in range(2)]
        socket.write(websocket.TEXT, b'{"op": "stop"}')
        records.append(json.loads(socket.read_text()))
    assert [record.get("text") for record in records[:2]] == ["one ", "two"]
    return records[-1]


def test_the_policy_says_who_publishes(keyed: Project):
    name = new_name("policy")
    target = f"/stream/{name}/pieces?visibility=owner"
    assert keyed.post(target, {}, {"pieces": ["one "]}).status == 401
    # Another site's page could send the cookies.
    assert keyed.post(target, keyed.people["owner"].cookies, {"pieces": ["one "]}).status == 403
    for text in ("one ", "two"):
        assert keyed.post(target, key_of("owner"), {"pieces": [text]}).status == 202
    assert keyed.post(target, key_of("stranger"), {"pieces": ["three"]}).status == 409
    assert keyed.read("polling", name, key_of("owner")) == "one two"


def test_the_policy_says_what_the_pages_show(keyed: Project):
    name = keyed.open("owner").name
    for who, status in (("owner", 200), ("stranger", 404)):
        page = http.get(keyed.site.address, f"/live/{name}/", **key_of(who))
        assert page.status == status
        assert ('data-action="stop"' in page.text) is (status == 200)
        listed = http.get(keyed.site.address, "/live/list", **key_of(who))
        assert (name in listed.text) is (status == 200)


# Pages of other origins.


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_pages_of_other_origins_do_not_read_with_the_visitors_cookies(
    keyed: Project, transport: str
):
    cookies = keyed.people["owner"].cookies
    assert keyed.status(transport, keyed.open("owner").name, {**cookies, **FOREIGN}) == 404
    assert keyed.read(transport, keyed.open().name, {**cookies, **FOREIGN}) == "one two"
    host = "{}:{}".format(*keyed.site.address)
    own = {**cookies, "Origin": f"http://{host}"}
    assert keyed.read(transport, keyed.open("owner").name, own) == "one two"
    # A page that has the key of a user acts as the user.
    key = {**key_of("owner"), **FOREIGN}
    assert keyed.read(transport, keyed.open("owner").name, key) == "one two"


def test_pages_of_other_origins_do_not_stop_with_the_visitors_cookies(keyed: Project):
    source = keyed.open()
    headers = {**keyed.people["owner"].cookies, **FOREIGN}
    assert "error" in last_record_after_stop(keyed.site, source.name, headers)
    # Without the cookies the request has no user.
    assert keyed.post(f"/stream/{source.name}/stop", headers).status == 401
    assert source.end()["stopped"] is False


# The CSRF token.


def element(page: http.Response) -> dict[str, str]:
    """Return the attributes of the page's `<stream-output>` that concern the CSRF token."""
    (tag,) = re.findall(r"<stream-output[^>]*>", page.text)
    return dict(re.findall(r'csrf-(\w+)="([^"]*)"', tag))


def test_the_page_has_the_csrf_token_where_the_session_keeps_it(keyed: Project):
    name = keyed.open().name
    cookies = keyed.people["owner"].cookies
    assert keyed.post(f"/stream/{name}/stop", cookies).status == 403
    token = element(http.get(keyed.site.address, f"/live/{name}/", **cookies))["token"]
    wrong = {**cookies, "X-CSRFToken": CSRF}
    assert keyed.post(f"/stream/{name}/stop", wrong).status == 403
    assert keyed.post(f"/stream/{name}/stop", {**cookies, "X-CSRFToken": token}).status == 202


def test_a_visitor_gets_no_session_for_a_csrf_token(keyed: Project):
    page = http.get(keyed.site.address, f"/live/{keyed.open().name}/")
    assert element(page) == {}
    assert "set-cookie" not in page.headers


def test_the_page_names_the_csrf_cookie_and_header_of_the_site(make_site: SiteMaker):
    for cookie in project(make_site, "daphne", "cookie"):
        name = cookie.open().name
        owner = cookie.people["owner"].cookies["Cookie"]
        page = http.get(cookie.site.address, f"/live/{name}/", Cookie=owner)
        assert element(page) == {"cookie": "shop-csrf", "header": "X-Shop-Token"}
        assert any(each.startswith("shop-csrf=") for each in page.headers.cookies)
        stop = f"/stream/{name}/stop"
        both = f"{owner}; shop-csrf={CSRF}"
        refused = cookie.post(stop, {"Cookie": both, "X-CSRFToken": CSRF})
        assert refused.status == 403
        assert "shop-csrf cookie in the X-Shop-Token header" in refused.json["detail"]
        assert cookie.post(stop, {"Cookie": both, "X-Shop-Token": CSRF}).status == 202
