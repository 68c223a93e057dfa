"""The address of a client: who forged a header must not choose it."""

import pytest
from django.test import RequestFactory, override_settings

from streamsite.streams.http.clients import client_of

PROXIES = ["10.0.0.0/8", "::1"]


def client(peer: str, forwarded: str | None, *, trusted: list[str]) -> str:
    headers = {} if forwarded is None else {"X-Forwarded-For": forwarded}
    request = RequestFactory().get("/", headers=headers, REMOTE_ADDR=peer)
    with override_settings(STREAM_TRUSTED_PROXIES=trusted):
        return client_of(request)


def test_no_proxy_is_trusted_by_default():
    assert client("10.0.0.1", "203.0.113.7", trusted=[]) == "10.0.0.1"


@pytest.mark.parametrize(
    ("peer", "forwarded", "address"),
    [
        ("10.0.0.1", None, "10.0.0.1"),
        ("10.0.0.1", "203.0.113.7", "203.0.113.7"),
        ("::1", "2001:db8::7", "2001:db8::7"),
        ("::ffff:10.0.0.1", "203.0.113.7", "203.0.113.7"),
        ("10.0.0.1", "203.0.113.7:5031", "203.0.113.7"),
        ("10.0.0.1", "[2001:db8::7]:5031", "2001:db8::7"),
        ("10.0.0.1", "203.0.113.7, 10.0.0.2", "203.0.113.7"),
        ("10.0.0.1", "10.0.0.3, 10.0.0.2", "10.0.0.3"),
    ],
)
def test_the_client_of_trusted_proxies_is_the_first_address_that_is_no_proxy(
    peer, forwarded, address
):
    assert client(peer, forwarded, trusted=PROXIES) == address


@pytest.mark.parametrize(
    ("peer", "forwarded", "address"),
    [
        ("203.0.113.7", "198.51.100.1", "203.0.113.7"),
        ("10.0.0.1", "198.51.100.1, 203.0.113.7", "203.0.113.7"),
        ("10.0.0.1", "198.51.100.1, nonsense", "10.0.0.1"),
        ("10.0.0.1", "198.51.100.1, ", "10.0.0.1"),
        ("", "198.51.100.1", ""),
    ],
)
def test_a_client_cannot_choose_its_address(peer, forwarded, address):
    assert client(peer, forwarded, trusted=PROXIES) == address
