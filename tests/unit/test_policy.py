"""The policy, and the user of a request."""

from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from streamsite.streams import Policy, policy, viewer_link
from streamsite.streams.errors import BadRequest
from streamsite.streams.http.sessions import handshake_request
from streamsite.streams.models import Stream

PUBLIC, LINK, PRIVATE = (
    Stream(name="build", visibility=each) for each in ("public", "link", "owner")
)


class Closed(Policy):
    def may_watch(self, request, stream):
        return False


def test_who_asks_for_a_stream_that_is_not_private_is_not_found_out():
    assert Policy().is_open(PUBLIC)
    assert Policy().is_open(LINK)
    assert not Policy().is_open(PRIVATE)


def test_an_override_of_may_watch_is_asked_for_each_stream():
    assert not Closed().is_open(PUBLIC)


def test_the_setting_names_the_policy(settings):
    assert type(policy()) is Policy
    settings.STREAM_POLICY = f"{__name__}.Closed"
    assert type(policy()) is Closed


class Asynchronous(Policy):
    async def may_watch(self, request, stream):  # type: ignore[override]
        return False


def test_a_policy_whose_answers_would_always_be_true_is_refused_when_used(settings):
    settings.STREAM_POLICY = f"{__name__}.Asynchronous"
    with pytest.raises(ImproperlyConfigured, match="'may_watch' is async"):
        policy()


def test_a_viewer_link_is_a_parameter_of_a_query():
    name, _, value = viewer_link("build", expires=60).partition("=")
    assert name == "viewer"
    assert set(value) <= set("0123456789.-_ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")


def scope(**parts: Any) -> dict[str, Any]:
    headers = [(b"host", b"localhost"), (b"cookie", b"a=1")]
    return {
        "type": "websocket",
        "path": "/stream/build/ws",
        "headers": headers,
        "scheme": "wss",
        **parts,
    }


def test_the_handshake_of_a_websocket_is_a_request():
    request = handshake_request(scope(query_string=b"after=17"))
    assert (request.GET["after"], request.COOKIES, request.is_secure()) == ("17", {"a": "1"}, True)


@pytest.mark.parametrize("query", [b"after=\xff", b"&".join([b"a=1"] * 2000)])
def test_a_handshake_with_an_invalid_query_is_refused(query: bytes):
    with pytest.raises(BadRequest):
        handshake_request(scope(query_string=query))


@pytest.mark.parametrize(
    ("origin", "kind", "cookies"),
    [
        ("https://localhost", "wss", {"a": "1"}),
        ("http://localhost", "ws", {"a": "1"}),
        # A proxy may end TLS although no setting says so.
        ("https://localhost", "ws", {"a": "1"}),
        ("http://localhost", "wss", {}),
        ("https://localhost:8443", "wss", {}),
        ("https://elsewhere.example", "wss", {}),
        ("null", "wss", {}),
    ],
)
def test_a_page_of_another_origin_sends_no_cookies(origin: str, kind: str, cookies: Any):
    headers = [*scope()["headers"], (b"origin", origin.encode())]
    request = handshake_request(scope(headers=headers, scheme=kind))
    assert cookies == request.COOKIES


@pytest.mark.parametrize(
    ("origin", "sent"),
    [
        ("https://shop.example", {"a": "1"}),
        ("https://www.shop.example", {"a": "1"}),
        ("https://deep.www.shop.example", {"a": "1"}),
        ("http://www.shop.example", {}),
        ("https://notshop.example", {}),
        ("https://shop.example.evil", {}),
        ("https://www.shop.example:8443", {}),
    ],
)
def test_a_page_of_a_trusted_origin_sends_cookies(settings, origin: str, sent: Any):
    settings.CSRF_TRUSTED_ORIGINS = ["https://shop.example", "https://*.shop.example"]
    headers = [*scope()["headers"], (b"origin", origin.encode())]
    cookies = handshake_request(scope(headers=headers)).COOKIES
    assert cookies == sent
