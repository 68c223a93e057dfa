"""nginx for the tests, in a configuration like Debian's, with a certificate that they trust."""

import os
import shutil
import ssl
import subprocess
from pathlib import Path

import pytest
import trustme

from .ports import HOST, free_port
from .raw.http import SecureAddress, get
from .waiting import PATIENCE, wait_until

# What Debian's /etc/nginx/nginx.conf says, as far as it concerns a proxy. The temporary folders and
# the process id stand in the test's own folder.
MAIN = """
daemon off;
worker_processes 2;
worker_rlimit_nofile 16384;
pid {folder}/pid;
error_log {folder}/error.log;
events {{ worker_connections 8192; }}
http {{
    access_log off;
    gzip on;
    {temporary}
    {configuration}
}}
"""


def find_nginx() -> str:
    """Return the path of nginx.

    Without nginx, skip the test, or fail it with REQUIRE_NGINX=1.
    """
    if found := shutil.which("nginx"):
        return found
    reason = "There is no nginx on the PATH: on Debian, `apt-get install nginx-light`."
    if os.environ.get("REQUIRE_NGINX") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


class Certificate:
    """A certificate for 127.0.0.1 and localhost, of an authority that nobody else trusts."""

    def __init__(self, folder: Path, *names: str, **options: object) -> None:
        self.chain, self.key, self.authority = (
            folder / name for name in ("fullchain.pem", "privkey.pem", "authority.pem")
        )
        authority = trustme.CA()
        issued = authority.issue_cert(*(names or (HOST, "localhost")), **options)
        authority.cert_pem.write_to_path(self.authority)
        issued.private_key_pem.write_to_path(self.key)
        for part in issued.cert_chain_pems:
            part.write_to_path(self.chain, append=True)

    def client(self, *protocols: str) -> ssl.SSLContext:
        """Return what a client needs that trusts the authority and offers protocols by ALPN."""
        context = ssl.create_default_context(cafile=self.authority)
        if protocols:
            context.set_alpn_protocols(protocols)
        return context


class Nginx:
    """An nginx with what `configuration` adds to the block `http`.

    The configuration contains @PORT@ where it listens with TLS, @PLAIN@ where it listens without,
    and @CHAIN@ and @KEY@.
    """

    def __init__(self, folder: Path, configuration: str, certificate: Certificate) -> None:
        self._program = find_nginx()
        self._folder = folder
        self.certificate = certificate
        self.address = SecureAddress(HOST, free_port(), certificate.client())
        self.plain_address = HOST, free_port()
        filled = (
            configuration.replace("@PORT@", "{}:{}".format(*self.address))
            .replace("@PLAIN@", "{}:{}".format(*self.plain_address))
            .replace("@CHAIN@", str(certificate.chain))
            .replace("@KEY@", str(certificate.key))
        )
        temporary = "".join(
            f"{kind}_temp_path {folder}/{kind};\n"
            for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        text = MAIN.format(folder=folder, temporary=temporary, configuration=filled)
        if os.geteuid() == 0:  # Another account can't enter pytest's temporary folder.
            text = f"user root;\n{text}"
        self._file = folder / "nginx.conf"
        self._file.write_text(text)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return "https://{}:{}".format(*self.address)

    @property
    def log(self) -> str:
        return (self._folder / "error.log").read_text()

    def start(self) -> "Nginx":
        command = [self._program, "-e", str(self._folder / "error.log")]
        self._process = subprocess.Popen([*command, "-c", self._file, "-p", self._folder])
        wait_until(lambda: self._answers() or self._process.poll() is not None, "nginx answers")
        assert self._process.poll() is None, self.log
        return self

    def _answers(self) -> bool:
        try:
            return get(self.address, "/healthz").status != 0
        except (OSError, AssertionError):
            return False

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(PATIENCE)
            self._process = None
