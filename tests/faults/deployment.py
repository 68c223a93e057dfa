"""The reference deployment of streamsite/deploy, started from its own files on free ports."""

import re
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.nginx import Certificate, Nginx
from tests.postgres import Postgres
from tests.raw.http import SecureAddress
from tests.site import ROOT, Site
from tests.valkey import Valkey

FOLDER = ROOT / "streamsite" / "deploy"


def replaced(text: str, **changes: str) -> str:
    """Return a configuration with other values in place of the file's, each of which must occur."""
    for old, new in changes.items():
        assert old in text, f"{old!r} is not in the configuration"
        text = text.replace(old, new)
    return text


def configuration(site: Site) -> str:
    """Return the reference configuration of nginx, for the processes of a site."""
    folder = FOLDER / "nginx"
    server = replaced(
        (folder / "streamsite.conf").read_text(),
        **{
            "listen 80;": "listen @PLAIN@;",
            "listen 443 ssl http2;": "listen @PORT@ ssl http2;",
            # As the guide says for other ports than 80 and 443.
            "Host $host;": "Host $http_host;",
            "/etc/letsencrypt/live/example.com/fullchain.pem": "@CHAIN@",
            "/etc/letsencrypt/live/example.com/privkey.pem": "@KEY@",
        },
    )
    return upstream(site) + server


def upstream(site: Site) -> str:
    """Return the block `upstream` of the processes of a site, which are two."""
    first, second = ("{}:{}".format(*server.address) for server in site.servers)
    text = (FOLDER / "nginx" / "processes.conf").read_text()
    return replaced(text, **{"127.0.0.1:8001": first, "127.0.0.1:8002": second})


def variables() -> dict[str, str]:
    """Return the variables of streamsite.env."""
    text = (FOLDER / "systemd" / "streamsite.env").read_text()
    return dict(re.findall(r"^(\w+)=(.*)$", text, re.MULTILINE))


@dataclass
class Deployment:
    """A site behind nginx. For the tests of the engine it is a site with one server, nginx."""

    site: Site
    nginx: Nginx

    @property
    def address(self) -> SecureAddress:
        return self.nginx.address

    @property
    def servers(self) -> list["Deployment"]:
        return [self]

    @property
    def url(self) -> str:
        return self.nginx.url


def deploy(
    stack: ExitStack, factory: pytest.TempPathFactory, static_root: Path, postgres: Postgres
) -> Deployment:
    """Start the reference deployment, which `stack` stops."""
    folder = factory.mktemp("deployment")
    valkey = Valkey(folder).start()
    stack.callback(valkey.stop)
    env = variables() | {
        "ALLOWED_HOSTS": "127.0.0.1",
        "DATABASE_URL": postgres.new_database(folder.name),
        "REDIS_URL": valkey.url,
        "STATIC_ROOT": str(static_root),
        # As in production. A server with nothing open ends at once.
        "STREAM_GRACE": "30",
    }
    site = Site(folder, env, ("daphne", "daphne"))
    stack.callback(lambda: print(site.log))
    stack.callback(site.stop)
    migrated = site.manage("migrate", "--verbosity", "0")
    assert migrated.returncode == 0, migrated.stderr
    site.start()
    nginx = Nginx(folder, configuration(site), Certificate(folder)).start()
    stack.callback(nginx.stop)
    return Deployment(site, nginx)
