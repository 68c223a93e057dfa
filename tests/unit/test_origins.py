"""The origins whose pages may read the streams."""

import pytest

from streamsite.streams.http.origins import (
    accepts_handshake,
    is_allowed_host,
    own_origins,
    page_schemes,
    parse,
)

BOTH_SCHEMES = ("http", "https")


@pytest.mark.parametrize(
    ("origin", "parsed"),
    [
        ("http://example.com", ("http", "example.com", 80)),
        ("https://example.com", ("https", "example.com", 443)),
        ("https://example.com:8443", ("https", "example.com", 8443)),
        ("https://EXAMPLE.com", ("https", "example.com", 443)),
        ("http://[::1]:8000", ("http", "::1", 8000)),
        ("null", None),
        ("", None),
        ("example.com", None),
        ("ftp://example.com", None),
        ("https://example.com:port", None),
        ("https://[", None),
    ],
)
def test_parse(origin, parsed):
    assert parse(origin) == parsed


@pytest.mark.parametrize(
    ("host", "schemes", "origins"),
    [
        ("example.com", ["https"], {"https://example.com"}),
        ("example.com", BOTH_SCHEMES, {"http://example.com", "https://example.com"}),
        ("EXAMPLE.com:8000", ["http"], {"http://example.com:8000"}),
        ("[::1]:8000", ["http"], {"http://[::1]:8000"}),
        ("example.com.", ["http"], {"http://example.com."}),
        pytest.param("example.com:" + "9" * 5000, ["http"], set(), id="no port"),
    ],
)
def test_own_origins_have_the_host_and_port_of_the_host_header(host, schemes, origins):
    assert own_origins(host, schemes) == {parse(origin) for origin in origins}


@pytest.mark.parametrize(
    ("redirects_to_https", "scheme", "schemes"),
    [
        (False, "ws", BOTH_SCHEMES),
        (False, "wss", ("https",)),
        (True, "ws", ("https",)),
    ],
)
def test_pages_have_https_when_the_site_or_the_connection_does(
    settings, redirects_to_https, scheme, schemes
):
    settings.SECURE_SSL_REDIRECT = redirects_to_https
    assert page_schemes({"scheme": scheme}) == schemes


@pytest.mark.parametrize(
    ("host", "allowed"),
    [
        ("example.com", True),
        ("example.com:8000", True),
        ("sub.example.com", False),
        ("", False),
        ("example.com/", False),
    ],
)
def test_the_host_is_checked_against_ALLOWED_HOSTS(settings, host, allowed):
    settings.ALLOWED_HOSTS = ["example.com"]
    assert is_allowed_host(host) is allowed


@pytest.mark.parametrize(("debug", "allowed"), [(True, True), (False, False)])
def test_localhost_is_allowed_in_development(settings, debug, allowed):
    settings.DEBUG, settings.ALLOWED_HOSTS = debug, []
    assert is_allowed_host("localhost:8000") is allowed


@pytest.mark.parametrize(
    ("origin", "accepted"),
    [
        (None, True),
        ("http://example.com:8000", True),
        ("https://example.com:8000", True),
        ("https://example.org", True),
        ("http://example.com", False),
        ("https://evil.example", False),
        ("null", False),
    ],
)
def test_a_handshake_needs_no_origin_or_an_own_one_or_a_listed_one(settings, origin, accepted):
    settings.ALLOWED_HOSTS = ["example.com"]
    settings.STREAM_ALLOWED_ORIGINS = ["https://example.org"]
    settings.SECURE_SSL_REDIRECT = False
    headers = [(b"host", b"example.com:8000")]
    if origin is not None:
        headers.append((b"origin", origin.encode()))
    assert accepts_handshake({"headers": headers, "scheme": "ws"}) is accepted
