"""The site does what the OpenAPI document says."""

import json
from typing import Any

import pytest

from streamsite.streams.http.openapi import describe

from .inside import users
from .marks import ON_EVERY_SERVER
from .raw import http
from .site import Site

Json = dict[str, Any]


@pytest.fixture(scope="module")
def document(shared_site: Site) -> Json:
    response = http.get(shared_site.address, "/stream/openapi.json")
    assert response.status == 200
    return response.json


@pytest.fixture(scope="module")
def token(shared_site: Site) -> str:
    return shared_site.call(users.make_token, "openapi")


def post(
    site: Site,
    name: str,
    body: str | bytes,
    token: str = "",
    kind: str = "application/json",
    query: str = "",
) -> http.Response:
    headers = {"Content-Type": kind} if kind else {}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    data = body.encode() if isinstance(body, str) else body
    return http.ask(
        site.address, f"/stream/{name}/pieces{query}", method="POST", headers=headers, body=data
    )


def exists(site: Site, name: str) -> bool:
    return http.get(site.address, f"/stream/{name}/polling").status == 200


# The document.


def test_the_server_url_is_where_the_endpoints_are_mounted(document):
    assert document["servers"] == [{"url": "/stream"}]


def test_the_site_serves_the_document_that_the_unit_tests_check(document):
    assert document == json.loads(json.dumps(describe("/stream")))


# The endpoints.


@ON_EVERY_SERVER
def test_a_method_that_is_not_in_the_document_is_refused(site: Site, document):
    for path, item in document["paths"].items():
        for method in sorted({"get", "post", "put", "delete"} - set(item)):
            response = http.ask(
                site.address, f"/stream{path.format(name='article')}", method=method.upper()
            )
            assert response.status == 405, (method, path)
            assert response.headers["allow"] == ("POST" if "post" in item else "GET")


@pytest.mark.parametrize("path", ["pieces", "stop"])
def test_a_401_names_an_authentication_scheme(site: Site, path):
    response = http.ask(
        site.address,
        f"/stream/article/{path}",
        method="POST",
        headers={"Authorization": "Bearer wrong"},
    )
    assert response.status == 401
    assert response.headers["www-authenticate"] == "Bearer"


@ON_EVERY_SERVER
def test_a_204_has_no_content(site: Site):
    after = len(site.pieces())
    response = http.get(site.address, f"/stream/article/events?after={after}")
    assert response.status == 204
    assert not response.body
    assert not {"content-type", "content-length"} & set(response.headers)


# Requests to publish that are refused.


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "application/xml"]
)
def test_the_error_for_another_format_names_the_format(site: Site, token, kind):
    response = post(site, "kind", '{"pieces":["a"]}', token, kind)
    assert response.status == 415
    assert kind in response.json["detail"]
    assert "application/x-ndjson" in response.json["detail"]
    assert not exists(site, "kind")


@pytest.mark.parametrize(
    ("body", "kind", "words"),
    [
        ("", "application/json", "not JSON"),
        ("[]", "application/json", "not a JSON object"),
        ("[" * 9999, "application/json", "not JSON"),
        (b'{"pieces": ["\xff"]}', "application/json", "not UTF-8"),
        ('{"pieces": "abc"}', "application/json", "list"),
        ('{"pieces": [1]}', "application/json", "int"),
        ('{"pieces": [""]}', "application/json", "at least one"),
        ('{"pieces": ["\\u0000"]}', "application/json", "NUL"),
        ('{"pieces": ["\\ud800"]}', "application/json", "surrogate"),
        ('{"pieces": [], "n": null}', "application/json", '"n"'),
        ('{"pieces": [], "n": -1}', "application/json", '"n"'),
        ('{"pieces": [], "n": 0.5}', "application/json", '"n"'),
        ('{"pieces": [], "n": Infinity}', "application/json", '"n"'),
        ('{"pieces": [], "n": true}', "application/json", '"n"'),
        ('{"piece": "a"}', "application/json", "'piece'"),
        ('{"\\ud800": "a"}', "application/json", "ud800"),
        ('{"end": "stopped"}', "application/json", '"failed"'),
        ('{"end": "failed", "reason": "\\ud800"}', "application/json", "surrogate"),
        ('{"end": "failed", "reason": 7}', "application/json", '"reason"'),
        ('{"reason": "why"}', "application/json", '"reason"'),
        ("nonsense\n", "application/x-ndjson", "Line 1: "),
        ('\n\n{"text":""}\n', "application/x-ndjson", "Line 3: "),
        ('{"text":"a","end":"done"}', "application/x-ndjson", "Line 1: "),
        ('{"text":"a","extra":1}', "application/x-ndjson", "'extra'"),
        ('{"n":0}', "application/x-ndjson", "Line 1: "),
    ],
)
def test_a_body_without_a_valid_piece_creates_no_stream(site: Site, token, body, kind, words):
    response = post(site, "nothing", body, token, kind)
    assert response.status == 400
    assert words in response.json["detail"]
    assert not exists(site, "nothing")


@pytest.mark.parametrize(
    "query", ["?takeover=yes", "?visibility=all", f"?title={'x' * 201}", "?title=%00"]
)
def test_an_invalid_parameter_is_refused(site: Site, token, query):
    assert post(site, "nothing", '{"pieces":["a"]}', token, query=query).status == 400
    assert not exists(site, "nothing")


def test_the_pieces_before_an_invalid_line_are_added(site: Site, token):
    lines = '{"text":"one"}\n{"text":"two","n":1}\n{"text":\n{"text":"four"}\n'
    response = post(site, "broken", lines, token, "application/x-ndjson")
    assert response.status == 400
    assert response.json["detail"].startswith("Line 3: ")
    assert response.json["after"] == 2
    # Pieces that the stream has are ignored. A gap is an error.
    response = post(site, "broken", '{"pieces":["one","two","three"],"n":0}', token)
    assert (response.status, response.json) == (202, {"after": 3, "state": "live"})
    response = post(site, "broken", '{"pieces":["six"],"n":5}', token)
    assert response.status == 409
    assert response.json["after"] == 3
    # A body without a Content-Type is JSON.
    response = post(site, "broken", '{"end":"failed","reason":"Enough."}', token, kind="")
    assert (response.status, response.json) == (202, {"after": 3, "state": "failed"})
    assert site.pieces("broken") == ["one", "two", "three"]
