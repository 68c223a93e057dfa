"""Bodies that are too large: refused early, answered readably, and never held."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

from tests.engine.project import new_project, served
from tests.inside import users
from tests.marks import ON_EVERY_SERVER
from tests.process import resident
from tests.raw import http

# Bytes of the bodies. The largest that any address takes from an anonymous client is 2.5 MB.
HUGE = 300 * 1024 * 1024
# Bytes that a process may hold of a body that is refused.
HELD = 2 * 1024 * 1024
PART = bytes(65_536)
# STREAM_MAX_BODY.
MAX_BODY = 8 * 1024 * 1024

PATHS = (
    "/en/",
    "/nowhere",
    "/en/admin/login/",
    "/en/admin/streams/stream/add/",
    "/chat/api",
    "/static/demos/css/base.css",
    "/stream/polling",
    "/stream/nobody/pieces",
    "/stream/article/stop",
    "/healthz",
)


def head(path: str, *headers: str) -> bytes:
    lines = [f"POST {path} HTTP/1.1", "Host: localhost", *headers]
    return "\r\n".join([*lines, "", ""]).encode()


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


def post(
    address: tuple[str, int], pid: int, path: str, *, chunked: bool
) -> tuple[http.Response, int]:
    """Send a huge body, in parts, until it is whole or the server ends the connection.

    Return the answer, and the bytes by which the process grew meanwhile.
    """
    before = most = resident(pid)
    coding = "Transfer-Encoding: chunked" if chunked else f"Content-Length: {HUGE}"
    part = chunk(PART) if chunked else PART
    with http.Connection(address) as connection:
        connection.socket.sendall(head(path, coding))
        # A client that is still sending when the answer comes may find the connection closed.
        with suppress(ConnectionError):
            for number in range(HUGE // len(PART)):
                connection.socket.sendall(part)
                if number % 64 == 0:
                    most = max(most, resident(pid))
        answer = http.read_response(connection.file)
    return answer, max(most, resident(pid)) - before


@pytest.mark.parametrize("chunked", [False, True], ids=["length", "chunked"])
@pytest.mark.parametrize("path", PATHS)
@ON_EVERY_SERVER
def test_a_huge_body_is_refused_and_not_held(site, path, chunked):
    http.ask(site.address, path, method="POST", body=b"x")  # What the address imports is loaded.
    answer, grown = post(site.address, site.server.pid, path, chunked=chunked)
    # The publishing API asks for a token before it reads a body.
    asks_first = chunked and path.endswith("/pieces")
    assert answer.status == (401 if asks_first else 413)
    assert answer.json["detail"]
    assert grown < HELD


@ON_EVERY_SERVER
def test_many_huge_bodies_at_once_are_not_held(site):
    http.ask(site.address, "/nowhere", method="POST", body=b"x")
    before = resident(site.server.pid)
    with ThreadPoolExecutor(8) as pool:
        posts = [
            pool.submit(post, site.address, site.server.pid, "/nowhere", chunked=True)
            for _ in range(8)
        ]
        answers = [each.result() for each in posts]
    assert [answer.status for answer, _grown in answers] == [413] * 8
    assert resident(site.server.pid) - before < 8 * HELD


@pytest.mark.parametrize("on", ["daphne", "uvicorn"])
def test_a_project_may_limit_the_bodies_of_its_own_pages(tmp_path: Path, on: str):
    limited = "application = streams_application(get_asgi_application(), max_body=1024 * 1024)\n"
    project = new_project(
        tmp_path,
        {
            "shop/settings.py": 'INSTALLED_APPS += ["streamsite.streams"]\nALLOWED_HOSTS = ["*"]\n',
            "shop/urls.py": "from django.urls import include\n"
            'urlpatterns += [path("stream/", include("streamsite.streams.urls"))]\n',
            "shop/asgi.py": f"from streamsite.streams.asgi import streams_application\n{limited}",
        },
    )
    with served(project, on) as (address, pid):
        for path in ("/nowhere", "/admin/login/"):
            assert http.ask(address, path, method="POST", body=bytes(1024)).status in (403, 404)
            for chunked in (False, True):
                answer, grown = post(address, pid, path, chunked=chunked)
                assert answer.status == 413
                assert answer.json == {
                    "detail": "The body is too large. Send at most 1048576 bytes."
                }
                assert grown < HELD


@ON_EVERY_SERVER
def test_the_site_asks_for_no_body_that_it_refuses(site):
    with http.Connection(site.address) as connection:
        connection.socket.sendall(head("/en/", f"Content-Length: {HUGE}", "Expect: 100-continue"))
        assert http.read_head(connection.file).status == 413


@ON_EVERY_SERVER
def test_the_site_asks_for_a_body_that_it_takes(site):
    with http.Connection(site.address) as connection:
        connection.socket.sendall(
            head("/stream/article/stop", "Content-Length: 2", "Expect: 100-continue")
        )
        assert http.read_head(connection.file).status == 100
        connection.socket.sendall(b"{}")
        assert http.read_response(connection.file).status == 401


@ON_EVERY_SERVER
def test_a_publisher_without_a_token_is_refused_before_its_body_comes(site):
    with http.Connection(site.address) as connection:
        connection.socket.sendall(head("/stream/nobody/pieces", "Content-Length: 4000000"))
        assert http.read_response(connection.file).status == 401


@ON_EVERY_SERVER
def test_an_upload_of_the_largest_size_is_published(site):
    token = site.call(users.make_token, "uploader")
    line = b'{"text": "%b"}\n' % (b"x" * 60_000)
    with http.Connection(site.address) as connection:
        headers = (
            f"Authorization: Bearer {token}",
            "Content-Type: application/x-ndjson",
            "Transfer-Encoding: chunked",
        )
        connection.socket.sendall(head("/stream/upload/pieces", *headers))
        for _ in range(MAX_BODY // len(line)):
            connection.socket.sendall(chunk(line))
        connection.socket.sendall(b"0\r\n\r\n")
        answer = http.read_response(connection.file)
    assert (answer.status, answer.json["after"]) == (202, MAX_BODY // len(line))


def multipart(fields: dict[str, str], file: bytes) -> tuple[bytes, str]:
    """Return a form with a file, and its content type."""
    parts = [
        f'--edge\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in fields.items()
    ]
    parts.append('--edge\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\n')
    return "".join(
        parts
    ).encode() + file + b"\r\n--edge--\r\n", "multipart/form-data; boundary=edge"


@ON_EVERY_SERVER
def test_the_staff_uploads_a_long_text_in_the_admin_and_nobody_else(site):
    people = site.call(users.make_people)
    csrf = "a" * 32
    fields = {
        "csrfmiddlewaretoken": csrf,
        "title": "Long",
        "name": "long-upload",
        "visibility": "public",
        "format": "text",
        "text": "",
        "split": "line",
        "pace": "1",
        "_save": "",
    }
    body, kind = multipart(fields, b"A line of a long text.\n" * 130_000)
    statuses = {}
    for who in ("stranger", "staff"):
        cookies = f"sessionid={people[who][1]}; csrftoken={csrf}"
        answer = http.ask(
            site.address,
            "/en/admin/streams/stream/add/",
            method="POST",
            headers={"Content-Type": kind, "Cookie": cookies},
            body=body,
        )
        statuses[who] = answer.status
    assert statuses == {"stranger": 413, "staff": 302}
    assert len("".join(site.pieces("long-upload"))) == 130_000 * 23
