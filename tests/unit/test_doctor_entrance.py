"""What the doctor makes of the way to a site: of real connections, to servers that misbehave."""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import trustme

from streamsite.streams.doctor.entrance import Entrance
from streamsite.streams.doctor.findings import Finding, percentile, readable
from streamsite.streams.doctor.headers import check_headers
from tests.ports import HOST, free_port

POLL = {"pieces": [], "after": 0, "state": "live"}


@asynccontextmanager
async def serving(
    answers: Mapping[str, bytes], tls: ssl.SSLContext | None = None
) -> AsyncIterator[str]:
    """Serve an answer for each endpoint, or the answer for "". Yield the address of the server."""

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # A handshake of TLS has no end that a server without TLS would see.
        head = (await reader.read(65_536)).decode("latin1")
        endpoint = head.partition(" HTTP/")[0].partition("?")[0].rpartition("/")[2]
        if "last-event-id" in head.lower():
            endpoint += " resumed"
        writer.write(answers.get(endpoint, answers[""]))
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(accept, HOST, 0, ssl=tls)
    async with server:
        port = server.sockets[0].getsockname()[1]
        yield f"{'https' if tls else 'http'}://{HOST}:{port}"


def answer(status: str = "200 OK", body: Any = POLL, **headers: str) -> bytes:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(content)}", "Connection: close"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + content


async def found_at(url: str, *, insecure: bool = False) -> Entrance:
    """Enter a site as `manage.py doctor` does."""
    entrance = Entrance(url, {}, insecure=insecure)
    await entrance.connect()
    if not entrance.closed:
        await entrance.find_stream(f"{url}/stream/probe?key=1")
    return entrance


def level(findings: list[Finding], check: str) -> str:
    return next(each.level for each in findings if each.check == check)


# Whether this is the right site.


async def test_a_site_that_shows_the_probe_is_entered():
    async with serving({"": answer()}) as url:
        entrance = await found_at(url)
    assert not entrance.closed
    assert [each.level for each in entrance.findings] == ["ok", "ok"]


@pytest.mark.parametrize(
    ("given", "says", "advises"),
    [
        (answer("404 Not Found", {"detail": "no such stream"}), "doesn't find", "same database"),
        (answer("404 Not Found", b"<h1>Not Found</h1>"), "status 404", "the engine's URLs"),
        (answer("200 OK", b"Welcome to nginx!"), "status 200", "the engine's URLs"),
        (answer("200 OK", [1]), "status 200", "the engine's URLs"),
        (answer("403 Forbidden", {"detail": "expired"}), "viewer link: expired", "SECRET_KEY"),
        (answer("401 Unauthorized", b""), "viewer link: status 401", "--header"),
        (answer("400 Bad Request", {"detail": "one valid Host"}), "Host", "ALLOWED_HOSTS"),
        (answer("502 Bad Gateway", b""), "answers 502", "processes run"),
        (answer("503 Service Unavailable", b""), "answers 503", "processes run"),
        (
            answer("301 Moved", b"", Location="https://example.com/"),
            "redirects to https://example.com/",
            "SECURE_PROXY_SSL_HEADER",
        ),
        (b"", "gives no answer", "proxy runs"),
    ],
)
async def test_each_wrong_site_is_told_from_the_others(given: bytes, says: str, advises: str):
    async with serving({"": given}) as url:
        entrance = await found_at(url)
    assert entrance.closed
    last = entrance.findings[-1]
    assert last.level == "problem"
    assert says in last.sentence
    assert advises in last.change


async def test_a_server_whose_clock_is_wrong_is_found():
    date = datetime.now(UTC) - timedelta(minutes=5)
    async with serving({"": answer(Date=f"{date:%a, %d %b %Y %H:%M:%S GMT}")}) as url:
        entrance = await found_at(url)
    assert level(entrance.findings, "clock") == "problem"
    async with serving({"": answer(Date="yesterday")}) as url:
        assert not any(each.check == "clock" for each in (await found_at(url)).findings)


async def test_an_address_at_which_nothing_listens_is_found():
    entrance = await found_at(f"http://{HOST}:{free_port()}")
    assert entrance.closed
    assert "Nothing listens" in entrance.findings[-1].sentence


# TLS.


def certificates(folder: Path, **options: Any) -> tuple[ssl.SSLContext, Path]:
    """Return what a server needs for TLS, and the file of the authority."""
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(HOST, **options).configure_cert(context)
    file = folder / "authority.pem"
    authority.cert_pem.write_to_path(file)
    return context, file


@pytest.mark.parametrize(
    ("days", "protocols", "levels"),
    [(90, ["h2"], ("ok", "ok")), (3, ["http/1.1"], ("warning", "warning"))],
)
async def test_a_trusted_certificate_is_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, days: int, protocols: list[str], levels: Any
):
    until = datetime.now(UTC) + timedelta(days=days)
    context, authority = certificates(tmp_path, not_after=until)
    context.set_alpn_protocols(protocols)
    monkeypatch.setenv("SSL_CERT_FILE", str(authority))
    async with serving({"": answer()}, context) as url:
        entrance = Entrance(url, {}, insecure=False)
        await entrance.connect()
    assert (level(entrance.findings, "certificate"), level(entrance.findings, "HTTP/2")) == levels


@pytest.mark.parametrize(("insecure", "expected"), [(False, "problem"), (True, "warning")])
async def test_an_untrusted_certificate_is_found_and_the_checks_go_on(
    tmp_path: Path, insecure: bool, expected: str
):
    context, _ = certificates(tmp_path)
    async with serving({"": answer()}, context) as url:
        entrance = await found_at(url, insecure=insecure)
    assert level(entrance.findings, "certificate") == expected
    assert level(entrance.findings, "site") == "ok"


async def test_a_server_without_tls_is_found():
    async with serving({"": answer("400 Bad Request")}) as url:
        entrance = await found_at(url.replace("http:", "https:"))
    assert entrance.closed
    assert "does not speak TLS" in entrance.findings[-1].sentence


# The headers of streams.


class Probe:
    """The probe's address, as `doctor.probe.Probe` gives it."""

    def url(self, site: str) -> str:
        return f"{site}/stream/probe?key=1"


@pytest.mark.parametrize(
    ("answers", "levels", "says"),
    [
        ({"events resumed": answer(body=b"id: 4\n\n")}, ["ok", "ok"], "resumes"),
        ({"events resumed": answer(body=b"id: 2.4\n\n")}, ["ok", "ok"], "resumes"),
        (
            {"events resumed": answer(body=b"id: 1\n\n")},
            ["ok", "problem"],
            "the event 1 next, not 4",
        ),
        ({"events resumed": answer(body=b"data: 1\n\n")}, ["ok", "problem"], "of no number"),
        (
            {
                "events resumed": answer(body=b"id: 4\n\n"),
                "chunked": answer(Content_Encoding="gzip"),
            },
            ["problem", "ok"],
            "chunked (gzip)",
        ),
    ],
)
async def test_what_a_proxy_does_to_headers_is_found(
    answers: dict[str, bytes], levels: list[str], says: str
):
    async with serving({"": answer(), **answers}) as url:
        findings = await check_headers(Entrance(url, {}, insecure=False), Probe())  # type: ignore[arg-type]
    assert [each.level for each in findings] == levels
    assert says in " ".join(each.sentence for each in findings)


# Figures.


def test_figures_are_given_as_people_read_them():
    assert [readable(each) for each in (0.0123, 0.9, 1, 3.44)] == [
        "12 ms",
        "900 ms",
        "1.0 s",
        "3.4 s",
    ]
    assert [percentile([3, 1, 2], share) for share in (0, 0.5, 0.99)] == [1, 2, 3]
    assert str(Finding("clock", "ok", "Well.")) == "ok       clock: Well."
    assert str(Finding("clock", "problem", "No.", "Mend it.")).splitlines()[1].strip() == "Mend it."
