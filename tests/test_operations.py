"""What an operator relies on: health checks, Valkey, static files, security headers and checks."""

import re
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from .marks import ON_EVERY_SERVER
from .ports import HOST, free_port
from .process import threads
from .raw import http
from .site import Site, SiteMaker
from .transfers import TRANSFERS, opening

DOMAIN = "example.com"
OVER_TLS = {"Host": DOMAIN, "X-Forwarded-Proto": "https"}
FOREVER = 10 * 365 * 24 * 3600
HASHED = re.compile(r"/static/[\w/.-]+\.[0-9a-f]{12}\.\w+")
STATIC = re.compile(r'(?:src|href)="(/static/[^"]+)"')
IMPORT = re.compile(r"""^(?:import|export)\b[^"'`;]*["'](?P<path>[^"']+)["'];""", re.MULTILINE)


# Health.


@ON_EVERY_SERVER
def test_an_idle_site_is_alive_and_ready(site: Site):
    alive, ready = (http.get(site.address, path) for path in ("/healthz", "/readyz"))
    assert (alive.status, alive.json) == (200, {"status": "ok"})
    assert (ready.status, ready.json) == (
        200,
        {"status": "ok", "database": "ok", "channel_layer": "ok"},
    )
    assert alive.headers["cache-control"] == ready.headers["cache-control"] == "no-store"


def test_the_start_warns_of_a_valkey_that_does_not_answer(make_site: SiteMaker):
    site = make_site(REDIS_URL=f"redis://user:secret@{HOST}:{free_port()}").start()
    assert "REDIS_URL" in site.log
    assert "secret" not in site.log


@pytest.mark.parametrize("transport", TRANSFERS)
def test_every_server_of_every_backend_streams(backend_site: Site, transport: str):
    first = backend_site.pieces()[:5]
    for server in backend_site.servers:
        assert opening(transport, server.address, len(first)) == first


# Static files.


@pytest.fixture(scope="module")
def static_files(shared_site: Site) -> dict[str, http.Response]:
    """Return the responses of all static files that the two pages load, by path."""
    found = {}
    waiting = {
        path
        for page in ("/", "/en/")
        for path in STATIC.findall(http.get(shared_site.address, page).text)
    }
    assert waiting
    while waiting:
        path = waiting.pop()
        found[path] = http.get(shared_site.address, path)
        if path.endswith(".js"):
            waiting |= set(imports(path, found[path].text)) - set(found)
    return found


def imports(module: str, source: str) -> Iterator[str]:
    """Yield the paths of the modules that a module imports."""
    for match in IMPORT.finditer(source):
        parts = module.split("/")[:-1]
        for step in match["path"].split("/"):
            if step == "..":
                parts.pop()
            elif step != ".":
                parts.append(step)
        yield "/".join(parts)


@ON_EVERY_SERVER
def test_every_static_file_has_a_hashed_name_even_an_imported_module(static_files):
    assert [path for path in static_files if not HASHED.fullmatch(path)] == []
    assert {response.status for response in static_files.values()} == {200}
    assert sum(path.endswith(".js") for path in static_files) > 5


@ON_EVERY_SERVER
def test_browsers_keep_static_files_forever(static_files):
    for path, response in static_files.items():
        cache = response.headers["cache-control"]
        assert "immutable" in cache, path
        assert int(re.search(r"max-age=(\d+)", cache)[1]) >= FOREVER, path


@ON_EVERY_SERVER
def test_static_files_have_the_right_content_type(static_files):
    types = {"js": "text/javascript", "css": "text/css", "svg": "image/svg+xml"}
    for path, response in static_files.items():
        assert response.headers["content-type"].split(";")[0] == types[path.rsplit(".")[-1]], path


@ON_EVERY_SERVER
def test_slow_readers_of_static_files_need_no_thread_each(site: Site, static_files):
    before = threads(site.server.pid)
    largest = max(static_files, key=lambda path: len(static_files[path].body))
    with ExitStack() as stack:
        for _ in range(50):
            connection = stack.enter_context(http.Connection(site.address))
            connection.send(largest)
            http.read_head(connection.file)
        assert threads(site.server.pid) - before < 20


@ON_EVERY_SERVER
@pytest.mark.parametrize(
    "path", ["/static/../settings.py", "/static/%2e%2e/db.sqlite3", "/static/nothing.js"]
)
def test_no_file_outside_the_static_files_is_served(site: Site, path: str):
    assert http.get(site.address, path).status == 404


# Security.


@ON_EVERY_SERVER
@pytest.mark.parametrize("page", ["/", "/en/", "/admin/login/", "/nothing-here/"])
def test_pages_have_a_strict_content_security_policy(site: Site, page: str):
    headers = http.get(site.address, page).headers
    policy = {}
    for directive in headers["content-security-policy"].split(";"):
        name, *sources = directive.split()
        policy[name] = sources
    assert policy["default-src"] == ["'none'"]
    assert policy["script-src"] == policy["style-src"] == policy["form-action"] == ["'self'"]
    assert policy["base-uri"] == policy["frame-ancestors"] == ["'none'"]
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "strict-origin-when-cross-origin"


@pytest.mark.parametrize("page", ["/", "/en/"])
def test_pages_contain_no_inline_script_and_no_inline_style(site: Site, page: str):
    text = http.get(site.address, page).text
    assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?![^>]*\bsrc=)|javascript:", text)


@pytest.fixture(scope="module")
def public_site(make_shared_site: SiteMaker) -> Site:
    """Return a site with a domain, behind a proxy that speaks TLS."""
    return make_shared_site(ALLOWED_HOSTS=DOMAIN, TLS="proxy").start()


def test_over_tls_browsers_are_told_to_use_tls_only(public_site: Site):
    headers = http.ask(public_site.address, "/", headers=OVER_TLS).headers
    assert re.search(r"max-age=(\d+)", headers["strict-transport-security"])[1] >= str(
        365 * 24 * 3600
    )


def test_a_domain_alone_does_not_commit_its_subdomains_to_tls(public_site: Site):
    header = http.ask(public_site.address, "/", headers=OVER_TLS).headers
    assert header["strict-transport-security"] == f"max-age={365 * 24 * 3600}"


@pytest.mark.parametrize(
    ("hsts", "expected"),
    [
        ("off", {"SECURE_HSTS_SECONDS": "0"}),
        ("subdomains", {"SECURE_HSTS_INCLUDE_SUBDOMAINS": "True", "SECURE_HSTS_PRELOAD": "False"}),
        ("preload", {"SECURE_HSTS_INCLUDE_SUBDOMAINS": "True", "SECURE_HSTS_PRELOAD": "True"}),
    ],
)
def test_the_operator_says_how_far_tls_alone_goes(
    make_site: SiteMaker, hsts: str, expected: dict[str, str]
):
    done = make_site(ALLOWED_HOSTS=DOMAIN, HSTS=hsts).manage("diffsettings", "--all")
    # Settings that have Django's default stand behind "### ".
    lines = [line.removeprefix("### ") for line in done.stdout.splitlines()]
    found = dict(line.split(" = ", 1) for line in lines if " = " in line)
    assert {name: found[name] for name in expected} == expected


def test_over_tls_cookies_are_secure(public_site: Site):
    response = http.ask(public_site.address, "/admin/login/", headers=OVER_TLS)
    assert response.status == 200
    assert "; Secure" in response.headers["set-cookie"]


@pytest.mark.parametrize("path", ["/", "/en/", "/stream/polling?cnt=0"])
def test_a_public_site_redirects_to_tls(public_site: Site, path: str):
    response = http.ask(public_site.address, path, headers={"Host": DOMAIN})
    assert response.status == 301
    assert response.headers["location"] == f"https://{DOMAIN}{path}"


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_health_checks_of_a_public_site_need_no_name_and_no_tls(public_site: Site, path: str):
    assert http.get(public_site.address, path).json["status"] == "ok"


def test_the_public_site_logs_no_traceback(public_site: Site):
    public_site.server.assert_calm()


def test_the_deployment_checks_find_nothing(make_site: SiteMaker):
    done = make_site(ALLOWED_HOSTS=DOMAIN).manage("check", "--deploy", "--fail-level", "WARNING")
    assert done.returncode == 0, done.stderr
    assert "no issues" in done.stdout + done.stderr


def test_the_models_and_the_migrations_agree(site: Site):
    done = site.manage("makemigrations", "--check", "--dry-run")
    assert done.returncode == 0, done.stdout
