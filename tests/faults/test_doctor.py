"""`manage.py doctor` finds what is wrong with a deployment, and nothing where nothing is."""

import json
import os
import re
import signal
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from subprocess import PIPE

import pytest

from tests.inside import streams
from tests.nginx import Certificate, Nginx
from tests.ports import HOST, free_port
from tests.site import ROOT, Site, SiteMaker

from .deployment import Deployment, configuration, replaced, upstream

Findings = Mapping[str, tuple[str, str]]


def examine(site: Site, *arguments: str, status: int, **env: str) -> Findings:
    """Return the level and the sentences of each check of the doctor.

    `status` is the exit status where commits are quick. The doctor is patient, whatever the
    settings of the site.
    """
    settings = {"DJANGO_SETTINGS_MODULE": "tests.inside.settings.patient"}
    done = Site(site.var, {**site.env, **settings, **env}).manage("doctor", "--json", *arguments)
    print(done.stdout)
    found = {
        each["check"]: (each["level"], f"{each['sentence']} {each['change']}")
        for each in json.loads(done.stdout)
    }
    expected = max(status, WARNS) if BUSY in warnings(found) else status
    assert done.returncode == expected, done.stdout + done.stderr
    return found


# The exit status after warnings.
WARNS = 1
# The check that warns on a busy machine. unit/test_doctor_inside.py tests when it does.
BUSY = "commits"


def warnings(found: Findings) -> set[str]:
    return {check for check, (level, _sentence) in found.items() if level == "warning"}


def problems(found: Findings) -> set[str]:
    """Return what the doctor finds wrong on any machine, however busy."""
    wrong = {check for check, (level, _sentence) in found.items() if level != "ok"}
    return wrong - {BUSY} if BUSY in warnings(found) else wrong


def test_the_doctor_finds_nothing_wrong_with_the_reference_deployment(deployment: Deployment):
    authority = str(deployment.nginx.certificate.authority)
    found = examine(
        deployment.site, deployment.url, "--idle", "8", status=0, SSL_CERT_FILE=authority
    )
    assert problems(found) == set()
    assert {"polling", "chunked", "sse", "websocket", "rings", "silence", "HTTP/2"} <= set(found)
    # The doctor's own streams are gone.
    assert deployment.site.call(streams.titled, "manage.py doctor") == 0


@pytest.fixture
def wrong(deployment: Deployment, tmp_path: Path) -> Iterator[Nginx]:
    text = (Path(__file__).parent / "wrong.conf").read_text()
    nginx = Nginx(tmp_path, upstream(deployment.site) + text, Certificate(tmp_path)).start()
    yield nginx
    nginx.stop()


def test_the_doctor_finds_each_fault_of_a_wrong_proxy(deployment: Deployment, wrong: Nginx):
    # SSL_CERT_FILE does not name the authority of the certificate.
    found = examine(deployment.site, wrong.url, "--idle", "8", status=2)
    assert "unable to get local issuer certificate" in found["certificate"][1]
    assert "no HTTP/2" in found["HTTP/2"][1]
    for transport in ("chunked", "sse"):
        assert "holds pieces back" in found[transport][1]
    assert "HTTP/1.0" in found["websocket"][1]
    assert "proxy_set_header Upgrade" in found["websocket"][1]
    assert "chunked (gzip), events (gzip)" in found["compression"][1]
    assert "drops the header Last-Event-ID" in found["Last-Event-ID"][1]
    assert "cuts silent connections: chunked after" in found["silence"][1]
    assert problems(found) >= {"certificate", "HTTP/2", "chunked", "sse", "websocket"}
    # What the proxy has no part in is well.
    assert not problems(found) & {"site", "polling", "commits", "channel layer", "migrations"}


@pytest.fixture
def empty(deployment: Deployment, tmp_path: Path) -> Iterator[Nginx]:
    """Yield a proxy on whose pages nothing is seen: no port in the host, and no static files."""
    text = replaced(
        configuration(deployment.site),
        **{
            "Host $http_host;": "Host $host;",
            "location / {": "location /static/ { return 404; } location / {",
        },
    )
    nginx = Nginx(tmp_path, text, Certificate(tmp_path)).start()
    yield nginx
    nginx.stop()


def test_the_doctor_finds_why_a_page_shows_nothing(deployment: Deployment, empty: Nginx):
    authority = str(empty.certificate.authority)
    found = examine(deployment.site, empty.url, "--idle", "1", status=2, SSL_CERT_FILE=authority)
    assert "stream-output" in found["static files"][1]
    assert "has the status 404" in found["static files"][1]
    assert "refuses the WebSockets of its own pages" in found["websocket"][1]
    assert "with its port" in found["websocket"][1]
    assert problems(found) & {"polling", "chunked", "sse"} == set()


# What isn't a deployment, and what else can be wrong.


def refused(found: Findings, check: str) -> str:
    """Return what the doctor says about the only problem that it finds."""
    assert [name for name, (level, _said) in found.items() if level == "problem"] == [check], found
    return found[check][1]


@pytest.fixture(scope="module")
def stranger() -> Iterator[str]:
    """Yield the address of a server that is no streamsite."""
    with ThreadingHTTPServer((HOST, 0), SimpleHTTPRequestHandler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield "http://{}:{}".format(*server.server_address)
        server.shutdown()


def test_without_an_address_the_doctor_checks_what_can_be_checked_from_inside(site: Site):
    found = examine(site, status=1)
    assert problems(found) == {"channel layer"}
    assert {"settings", "migrations", "commits"} <= set(found)
    assert site.call(streams.titled, "manage.py doctor") == 0


def test_the_doctor_says_that_nothing_listens(site: Site):
    found = examine(site, f"http://{HOST}:{free_port()}", status=2)
    assert "Nothing listens at" in refused(found, "address")


def test_the_doctor_says_that_the_address_is_no_streamsite(site: Site, stranger: str):
    found = examine(site, stranger, status=2)
    assert "The answer is not a stream: status 404" in refused(found, "site")


def test_the_doctor_says_that_a_server_does_not_speak_tls(site: Site, stranger: str):
    found = examine(site, stranger.replace("http:", "https:"), status=2)
    assert "does not speak TLS" in refused(found, "TLS")


def test_the_doctor_says_that_the_site_reads_another_database(site: Site, make_site: SiteMaker):
    other = make_site()
    assert other.manage("migrate", "--verbosity", "0").returncode == 0
    found = examine(other, site.url, status=2)
    assert "the same database" in refused(found, "site")


def test_the_doctor_says_that_migrations_are_missing(make_site: SiteMaker):
    assert "Run manage.py migrate" in refused(examine(make_site(), status=2), "migrations")


def test_the_doctor_says_that_rings_do_not_arrive(site: Site):
    # The server's channel layer is its memory. This process has its own.
    found = examine(site, site.url, "--idle", "1", status=2)
    assert "at the heartbeat" in refused(found, "rings")


def test_the_doctor_refuses_what_is_no_address(site: Site):
    done = site.manage("doctor", "ftp://example.com")
    assert done.returncode == 2
    assert "is not the address of a site: write https://example.com" in done.stderr


def test_the_doctor_says_that_redis_is_away(site: Site):
    found = examine(site, status=2, REDIS_URL=f"redis://{HOST}:{free_port()}")
    assert "doesn't carry a message (ConnectionError)" in refused(found, "channel layer")


def test_a_site_that_demands_a_login_is_examined_through_a_viewer_link(make_site: SiteMaker):
    closed = make_site(DJANGO_SETTINGS_MODULE="tests.inside.settings.login").start()
    found = examine(closed, closed.url, "--idle", "1", status=2)
    assert found["site"][0] == "ok"
    # The site has one process without Redis.
    assert problems(found) == {"channel layer", "rings"}


def test_an_untrusted_certificate_is_a_warning_where_it_is_known(
    site: Site, stranger: str, tmp_path: Path
):
    server = (
        "server { listen @PORT@ ssl; ssl_certificate @CHAIN@; ssl_certificate_key @KEY@;"
        f" location / {{ proxy_pass {stranger}; }} }}"
    )
    certificate = Certificate(tmp_path, not_after=datetime.now(UTC) - timedelta(days=1))
    nginx = Nginx(tmp_path, server, certificate)
    nginx.address = nginx.address._replace(tls=ssl._create_unverified_context())
    nginx.start()
    try:
        for option, level in (([], "problem"), (["--insecure"], "warning")):
            trusted = str(certificate.authority)
            found = examine(site, nginx.url, *option, status=2, SSL_CERT_FILE=trusted)
            assert found["certificate"][0] == level
            assert "certificate has expired" in found["certificate"][1]
    finally:
        nginx.stop()


def test_each_finding_is_a_line_with_what_to_change_below(site: Site):
    done = site.manage("doctor")
    assert done.returncode == 1
    assert "ok       migrations: All migrations are applied.\n" in done.stdout
    assert re.search(r"(?m)^warning  channel layer: .+\n {9}Set CHANNEL_LAYERS", done.stdout)


def test_ctrl_c_ends_the_doctor_without_a_traceback_and_its_streams_with_it(site: Site):
    command = [sys.executable, "manage.py", "doctor", site.url]
    doctor = subprocess.Popen(
        command, cwd=ROOT, env={**os.environ, **site.env}, stdout=PIPE, stderr=PIPE, text=True
    )
    assert doctor.stdout is not None
    for line in doctor.stdout:
        if line.startswith("ok       site:"):
            break  # The transports are being watched now, for seconds.
    doctor.send_signal(signal.SIGINT)
    _, errors = doctor.communicate(timeout=60)
    assert (doctor.returncode, errors) == (130, "")
    assert site.call(streams.titled, "manage.py doctor") == 0
