"""Read the site's configuration from environment variables.

Each function reads one variable and checks the value. A wrong value raises
`ImproperlyConfigured`; the message names the variable and says what would be right, because
`streamsite.asgi` prints the message alone, without a traceback. A value that may hold a
password is never repeated in a message.

An empty variable counts as unset.
"""

import os
import secrets
from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import dj_database_url
from django.core.exceptions import ImproperlyConfigured
from django.core.management.utils import get_random_secret_key
from redis import Redis
from redis.connection import parse_url

from streamsite.streams.wire import durations

BOOLEANS = {"on": True, "off": False, "true": True, "false": False, "1": True, "0": False}
# The most digits of a number: every such number fits into 64 bits.
MAX_DIGITS = 18
# The options of a database, unless its URL says otherwise.
SQLITE = {
    # Seconds that a writer waits for another one. A page then answers with status 503.
    "timeout": 1.5,
    "transaction_mode": "IMMEDIATE",
    # The log may grow to 16 MiB, instead of 4, before SQLite copies its pages into the database.
    # Commits of 200 live streams then took 12 % less CPU time.
    "init_command": (
        "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA wal_autocheckpoint=4000;"
    ),
}
POSTGRES = {
    # Seconds, the fewest that libpq allows, for a server that does not answer.
    "connect_timeout": 2,
    # Milliseconds, for a server that has vanished. By default TCP takes a quarter of an hour.
    "tcp_user_timeout": 10_000,
}


def strings(name: str) -> list[str]:
    """Return the items of a comma-separated list, without the white space around them."""
    return [item.strip() for item in os.environ.get(name, "").split(",") if item.strip()]


def text(name: str, default: str = "") -> str:
    """Return a text as it is."""
    return os.environ.get(name, "") or default


def choice(name: str, default: str, choices: tuple[str, ...]) -> str:
    """Return one of the choices, in lower case."""
    value = os.environ.get(name, "").strip().lower() or default
    if value not in choices:
        raise ImproperlyConfigured(
            f"{name}={value!r} is not understood: use one of {', '.join(choices)}."
        )
    return value


def boolean(name: str, *, default: bool) -> bool:
    """Return a switch, such as "on" or "off"."""
    return BOOLEANS[choice(name, "on" if default else "off", tuple(BOOLEANS))]


def integer(name: str, default: int, minimum: int = 1) -> int:
    """Return a whole number in decimal digits."""
    value = os.environ.get(name, "").strip() or str(default)
    digits = value.isascii() and value.isdigit() and len(value) <= MAX_DIGITS
    if not digits or int(value) < minimum:
        raise ImproperlyConfigured(f"{name}={value!r} is not a whole number of at least {minimum}.")
    return int(value)


def limit(name: str, default: int) -> int | None:
    """Return a whole number from 1, or None for "none"."""
    if os.environ.get(name, "").strip().lower() == "none":
        return None
    try:
        return integer(name, default)
    except ImproperlyConfigured as error:
        raise ImproperlyConfigured(f"{str(error).removesuffix('.')}, or none.") from None


def duration(name: str, default: str) -> timedelta | None:
    """Return a duration, such as "30d", or None for "forever"."""
    value = os.environ.get(name, "").strip().lower() or default
    if value == "forever":
        return None
    try:
        return durations.parse(value)
    except ValueError as error:
        raise ImproperlyConfigured(f"{name} is not valid: {error} Or use forever.") from None


def folder(name: str, default: Path) -> Path:
    """Return the path of a folder, which need not exist."""
    return Path(os.environ.get(name, "") or default)


def url(name: str, schemes: tuple[str, ...]) -> str:
    """Return a URL that begins with one of the schemes, or "" if the variable is not set."""
    value = os.environ.get(name, "").strip()
    if value and value.partition(":")[0] not in schemes:
        raise ImproperlyConfigured(
            f"{name} must be a URL that begins with {' or '.join(s + '://' for s in schemes)}."
        )
    return value


def parse_database_url(name: str, url: str) -> dict[str, Any]:
    """Return the database of a URL, which is a variable's value, as an entry of `DATABASES`."""
    try:
        # Close each connection after its request: requests under ASGI share no thread in which a
        # connection could be kept.
        database: dict[str, Any] = {**dj_database_url.parse(url, conn_max_age=0)}
    except ValueError as error:
        raise ImproperlyConfigured(
            f"{name} can't be understood: write it as postgres://user:password@host:5432/name, "
            "with special characters of the password percent-encoded."
        ) from error
    options = SQLITE if database["ENGINE"].endswith("sqlite3") else POSTGRES
    database["OPTIONS"] = {**options, **database.get("OPTIONS", {})}
    return database


def sqlite_url(path: Path) -> str:
    """Return the URL of the SQLite database in a file."""
    # Without quoting, a `?` or `#` in a folder's name would end the path.
    return f"sqlite:///{quote(str(path))}"


def parse_redis_url(name: str, url: str) -> dict[str, Any]:
    """Return the keyword arguments of `redis.Redis` for a URL, which is a variable's value.

    Options in the URL's query string, such as `?health_check_interval=30`, become arguments too.
    """
    try:
        options: dict[str, Any] = {**parse_url(url)}  # type: ignore[no-untyped-call]
        if "path" not in options:
            # redis-py silently uses database 0 if the path is not a number.
            int(urlsplit(url).path.strip("/") or 0)
    except ValueError as error:
        raise ImproperlyConfigured(
            f"{name} can't be understood: write it as redis://user:password@host:6379/0, with "
            "special characters of the password percent-encoded."
        ) from error
    options.pop("connection_class", None)
    if "path" in options:
        options["unix_socket_path"] = options.pop("path")
    options["ssl"] = url.startswith("rediss:")
    try:
        Redis(**options)
    except TypeError as error:
        raise ImproperlyConfigured(
            f"{name} has an option that the Redis client doesn't know ({error})."
        ) from error
    return options


def hosts(name: str, default: list[str]) -> list[str]:
    """Return host names as Django's `ALLOWED_HOSTS` takes them, without scheme, port and path."""
    found = strings(name) or default
    for host in found:
        if "/" in host or len(host.split()) > 1 or (":" in host and not host.startswith("[")):
            raise ImproperlyConfigured(
                f"{name}: {host!r} is not a host name: leave out scheme, port and path, such as "
                "example.com, and separate several names by commas."
            )
    return found


def origins(name: str) -> list[str]:
    """Return web origins (RFC 6454): scheme, host and an optional port of each."""
    found = strings(name)
    for origin in found:
        if not is_origin(origin):
            raise ImproperlyConfigured(
                f"{name}: {origin!r} is not an origin: write the scheme, the host and, unless it "
                "is the default, the port, such as https://example.com or http://localhost:3000."
            )
    return found


def is_origin(value: str) -> bool:
    """Return whether a value is an origin. One slash at its end is allowed."""
    try:
        parts = urlsplit(value)
        complete = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        return False
    more = parts.path.removeprefix("/") or parts.query or parts.fragment or "@" in parts.netloc
    return bool(complete and not more)


def networks(name: str) -> list[str]:
    """Return IP addresses and networks, such as 127.0.0.1 and 10.0.0.0/8."""
    found = strings(name)
    for network in found:
        try:
            ip_network(network)
        except ValueError:
            raise ImproperlyConfigured(
                f"{name}: {network!r} is neither an IP address nor a network: write 127.0.0.1, or "
                "10.0.0.0/8."
            ) from None
    return found


def secret_key(name: str, path: Path) -> str:
    """Return the secret key of the variable or, if it is not set, the key in the file.

    If there is no file either, make a key and write it to the file, which only its owner can read.
    """
    return os.environ.get(name, "") or kept_secret_key(path)


def kept_secret_key(path: Path) -> str:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            # A hard link puts the whole key in place at once, so that another process that starts
            # at the same time never reads half a key.
            draft = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
            draft.touch(mode=0o600)
            draft.write_text(get_random_secret_key())
            path.hardlink_to(draft)
        except FileExistsError:
            pass
        finally:
            draft.unlink(missing_ok=True)
        return path.read_text().strip()
    except OSError as error:
        raise ImproperlyConfigured(
            f"the folder {path.parent} can't be written ({error.strerror}): make it writable, "
            "or name another in VAR_DIR."
        ) from error
