"""The way to the site: the host, TLS and HTTP/2, and whether this is the right site."""

import asyncio
import ssl
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

import httpx

from .findings import Finding, ok, problem, warning
from .inside import judge_clock

# Seconds that a connection and an answer may take.
PATIENCE = 10.0
# Days before its end at which a certificate should have been renewed.
EXPIRES_SOON = 14
# The statuses of a proxy that reaches no process, and of a process that can't serve.
AWAY = (HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.GATEWAY_TIMEOUT)
PROTOCOLS = ["h2", "http/1.1"]
PORTS = {"http": 80, "https": 443}


class Entrance:
    """The connection to the site at `url`, and what was found on the way.

    `tls` is how later connections check the certificate. After the finding about a certificate that
    is not trusted, they accept it, so that the other checks can go on. `closed` says that no later
    check can work.
    """

    def __init__(self, url: str, headers: Mapping[str, str], *, insecure: bool) -> None:
        parts = urlsplit(url)
        self.url = url.rstrip("/")
        self.headers = headers
        self.tls: ssl.SSLContext | None = None
        self.findings: list[Finding] = []
        self.closed = False
        self._host = parts.hostname or ""
        self._secure = parts.scheme == "https"
        self._port = parts.port or PORTS[parts.scheme]
        self._insecure = insecure
        self._certificate: Mapping[str, Any] = {}

    @property
    def origin(self) -> str:
        """The origin of the site's pages, as browsers send it: "https://example.com"."""
        url = httpx.URL(self.url)
        return f"{url.scheme}://{url.netloc.decode('ascii')}"

    def client(self, *, with_headers: bool = True) -> httpx.AsyncClient:
        """Return a client for requests of the doctor's own, which follows no redirect."""
        headers = dict(self.headers) if with_headers else {}
        return httpx.AsyncClient(headers=headers, timeout=PATIENCE, verify=self.tls or True)

    async def connect(self) -> None:
        """Find whether a server listens, and how it speaks TLS."""
        if not self._secure:
            if await self._opens(None):
                self._note_plain()
            return
        trusting = ssl.create_default_context()
        trusting.set_alpn_protocols(PROTOCOLS)
        try:
            if await self._opens(trusting):
                self._note_expiry()
        except ssl.SSLCertVerificationError as error:
            make = warning if self._insecure else problem
            self.findings.append(
                make(
                    "certificate",
                    f"Clients don't trust the certificate: {error.verify_message}.",
                    "Get one for this host from an authority that browsers know. The other checks "
                    "go on without looking at it.",
                )
            )
            careless = _unchecked()
            careless.set_alpn_protocols(PROTOCOLS)
            await self._opens(careless)
            self.tls = _unchecked()
        except ssl.SSLError as error:
            self._shut(
                "TLS",
                f"{self._host}:{self._port} does not speak TLS ({error.reason}).",
                "Write http:// in the address, or let the proxy speak TLS.",
            )

    async def _opens(self, tls: ssl.SSLContext | None) -> bool:
        """Open a connection once. Raises SSLError."""
        where = f"{self._host}:{self._port}"
        advice = "Check the address, the name in the DNS, and that the proxy runs."
        try:
            async with asyncio.timeout(PATIENCE):
                _, writer = await asyncio.open_connection(self._host, self._port, ssl=tls)
        except ssl.SSLError:
            raise
        except TimeoutError:
            self._shut("address", f"{where} doesn't answer within {PATIENCE:g} s.", advice)
            return False
        except OSError as error:
            self._shut("address", f"Nothing listens at {where} ({error.strerror}).", advice)
            return False
        found = writer.get_extra_info("ssl_object")
        if found is not None:
            self._certificate = found.getpeercert() or {}
            self._note_protocol(found.selected_alpn_protocol())
        writer.transport.abort()
        return True

    def _note_plain(self) -> None:
        if _is_here(self._host):
            self.findings.append(ok("TLS", "None, on this machine."))
            return
        self.findings.append(
            warning(
                "TLS",
                "The address begins with http://, so everyone on the way can read and change the "
                "streams.",
                "Let the proxy speak TLS, and redirect http:// to https://.",
            )
        )

    def _note_protocol(self, protocol: str | None) -> None:
        if protocol == "h2":
            self.findings.append(ok("HTTP/2", "The server offers HTTP/2."))
            return
        self.findings.append(
            warning(
                "HTTP/2",
                "The server offers no HTTP/2, so a browser opens at most 6 streams of this site.",
                "nginx: listen 443 ssl http2; or, from nginx 1.25.1 on, http2 on;",
            )
        )

    def _note_expiry(self) -> None:
        until = ssl.cert_time_to_seconds(str(self._certificate["notAfter"]))
        days = int((until - time.time()) / 86_400)
        if days >= EXPIRES_SOON:
            self.findings.append(ok("certificate", f"Trusted, for {days} days more."))
            return
        self.findings.append(
            warning(
                "certificate",
                f"The certificate expires in {days} days.",
                "Renew it, and check what should have renewed it.",
            )
        )

    async def find_stream(self, address: str) -> None:
        """Ask for the probe's first pieces: the site must read the database that this one writes.

        `address` is the address of the probe.
        """
        parts = urlsplit(address)
        poll = parts._replace(path=f"{parts.path}/polling").geturl()
        try:
            async with self.client() as client:
                response = await client.get(poll)
                ours = datetime.now(UTC)
        except httpx.TransportError as error:
            self._shut(
                "address",
                f"{self.url} gives no answer ({str(error) or type(error).__name__}).",
                "Check that the proxy runs and reaches the processes.",
            )
            return
        if date := date_of(response):
            self.findings.append(judge_clock("the server", date, ours, error=1))
        if response.is_success and _is_poll(response):
            self.findings.append(ok("site", "The site shows what this process publishes."))
            return
        self._shut("site", *_refusal(response))

    def _shut(self, check: str, sentence: str, change: str) -> None:
        self.findings.append(problem(check, sentence, change))
        self.closed = True


def _refusal(response: httpx.Response) -> tuple[str, str]:
    """Return what an answer without the probe means, and what to change."""
    status = response.status_code
    detail = detail_of(response)
    sentence = f"The answer is not a stream: status {status}"
    change = "Give the address of the site that has the engine's URLs, such as https://example.com."
    if response.is_redirect:
        sentence = f"The site redirects to {response.headers.get('Location', '')[:200]}."
        change = (
            "Give the doctor the address to which the site redirects. If that is the same, the "
            "site doesn't know that the proxy speaks TLS: on this site set TLS=proxy, and in your "
            "own project SECURE_PROXY_SSL_HEADER."
        )
    elif status == HTTPStatus.NOT_FOUND and detail:
        sentence = "The site doesn't find a stream that this process has published."
        change = "Run the doctor with the settings of the site: the same database."
    elif status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        sentence = f"The site refuses a viewer link: {detail or f'status {status}'}"
        change = (
            "Run the doctor with the site's SECRET_KEY. Where the proxy or STREAM_POLICY demands a "
            "login, send its header: --header 'Cookie: sessionid=…'."
        )
    elif status == HTTPStatus.BAD_REQUEST and "Host" in detail:
        sentence = "The site refuses the Host header of the request."
        change = (
            "Add the host to ALLOWED_HOSTS, and let the proxy pass it on. nginx: "
            "proxy_set_header Host $host;"
        )
    elif status in AWAY:
        sentence = f"The proxy or the site answers {status}."
        change = "Check that the processes run, and that the proxy has their addresses."
    return sentence, change


def detail_of(response: httpx.Response) -> str:
    """Return what the engine says in an error response, or "" if the engine did not answer."""
    try:
        return str(response.json()["detail"])
    except (ValueError, LookupError, TypeError):
        return ""


def _is_poll(response: httpx.Response) -> bool:
    try:
        return "pieces" in response.json()
    except (ValueError, TypeError):
        return False


def date_of(response: httpx.Response) -> datetime | None:
    """Return the time of the header Date, or None if there is none with a time zone."""
    try:
        date = parsedate_to_datetime(response.headers["Date"])
    except (LookupError, ValueError):
        return None
    return date if date.tzinfo else None  # "-0000" is a time in an unknown zone.


def _is_here(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _unchecked() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
