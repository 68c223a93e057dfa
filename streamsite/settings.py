"""Settings, and the only place that reads the environment.

Every variable has a default that lets a fresh checkout run, and a wrong value is
refused at start with a sentence that names it. README.md has the table.
"""

import asyncio
import logging
import os
import secrets
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import dj_database_url
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured
from django.core.management.utils import get_random_secret_key
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from redis import Redis
from redis.connection import parse_url

BASE_DIR = Path(__file__).resolve().parent.parent


def env_list(name: str, default: str = "") -> list[str]:
    return [item.strip() for item in os.environ.get(name, default).split(",") if item.strip()]


def env_choice(name: str, default: str, choices: tuple[str, ...]) -> str:
    value = os.environ.get(name, "").strip().lower() or default
    if value not in choices:
        raise ImproperlyConfigured(
            f"{name}={value!r} is not understood: use one of {', '.join(choices)}."
        )
    return value


def env_bool(name: str, default: str) -> bool:
    return env_choice(name, default, ("on", "off", "true", "false", "1", "0")) in (
        "on",
        "true",
        "1",
    )


def env_int(name: str, default: int, minimum: int = 1) -> int:
    value = os.environ.get(name, "").strip() or str(default)
    if not (value.isascii() and value.isdigit() and len(value) < 19 and int(value) >= minimum):
        raise ImproperlyConfigured(f"{name}={value!r} is not a whole number from {minimum}.")
    return int(value)


def env_url(name: str, schemes: tuple[str, ...]) -> str:
    """Return a URL of one of the schemes, or "" where the variable isn't set."""
    value = os.environ.get(name, "").strip()
    if value and value.partition(":")[0] not in schemes:
        # The value may hold a password, so it isn't repeated.
        raise ImproperlyConfigured(
            f"{name} must be a URL that begins with {' or '.join(s + '://' for s in schemes)}."
        )
    return value


def redis_options(name: str, url: str) -> dict[str, Any]:
    """Return a Redis URL, the value of a variable, as the keywords that a client takes."""
    try:
        options: dict[str, Any] = {**parse_url(url)}  # type: ignore[no-untyped-call]
        if "path" not in options:
            int(urlsplit(url).path.strip("/") or 0)  # The client takes what is no number for 0.
    except ValueError as error:
        raise ImproperlyConfigured(
            f"{name} can't be understood: write it as redis://user:password@host:6379/0, and "
            "special characters in the password as %-codes."
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


def env_origins(name: str) -> list[str]:
    origins = []
    for item in env_list(name):
        try:
            parts = urlsplit(item)
            complete = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
        except ValueError:
            complete = False
        if (
            not complete
            or parts.path not in ("", "/")
            or parts.query
            or parts.fragment
            or "@" in parts.netloc
        ):
            raise ImproperlyConfigured(
                f"{name}: {item!r} is not an origin: write scheme, host and, where it isn't the "
                "scheme's own, port, such as https://example.com or http://localhost:3000."
            )
        origins.append(item)
    return origins


# The folder that the site may write: its key, its embedded database, the collected static files.

VAR_DIR = Path(os.environ.get("VAR_DIR", "") or BASE_DIR / "var")


def kept_secret_key(path: Path) -> str:
    """Return the key in the file, which is made, for its owner only, when there is none."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            # Linked into place whole: a process started beside this one never reads half a key.
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


DEBUG = env_bool("DEBUG", "off")
SECRET_KEY = os.environ.get("SECRET_KEY", "") or kept_secret_key(VAR_DIR / "secret-key")

LOCAL_HOSTS = ["localhost", "127.0.0.1", "[::1]"]
ALLOWED_HOSTS = env_list("ALLOWED_HOSTS") or LOCAL_HOSTS
for host in ALLOWED_HOSTS:
    if "/" in host or len(host.split()) > 1 or (":" in host and not host.startswith("[")):
        raise ImproperlyConfigured(
            f"ALLOWED_HOSTS: {host!r} is not a host name: leave out scheme, port and path, such as "
            "example.com, and put a comma between two."
        )

# A site with a public name is served over TLS unless the operator says otherwise: "on" where the
# server itself speaks TLS, "proxy" where a proxy does and says so in X-Forwarded-Proto.
TLS = env_choice(
    "TLS", "off" if set(ALLOWED_HOSTS) <= set(LOCAL_HOSTS) else "on", ("on", "off", "proxy")
)

INSTALLED_APPS = [
    "daphne",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "channels",
    "csp",
    "django_eventstream",
    # The site's words come before the engine's.
    "demos",
    "streamsite.streams",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    "servestatic.middleware.ServeStaticMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "streamsite.urls"
ASGI_APPLICATION = "streamsite.asgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

# Database: an embedded SQLite file, or what DATABASE_URL names.

DATABASE_URL = env_url("DATABASE_URL", ("postgres", "postgresql", "sqlite"))
EMBEDDED_DATABASE = not DATABASE_URL
try:
    # A connection is never kept between requests: under ASGI they share no thread to keep it in.
    database = dj_database_url.parse(
        DATABASE_URL or f"sqlite:///{VAR_DIR / 'db.sqlite3'}", conn_max_age=0
    )
except ValueError as error:
    raise ImproperlyConfigured(
        "DATABASE_URL can't be understood: write it as postgres://user:password@host:5432/name, "
        "and special characters in the password as %-codes."
    ) from error
DATABASES = {"default": database}
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    DATABASES["default"]["OPTIONS"] = {
        "timeout": 10,
        "transaction_mode": "IMMEDIATE",
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
    }
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# Channel layer: in memory, which makes the site one process, or Redis for any number.

REDIS_URL = env_url("REDIS_URL", ("redis", "rediss", "unix"))
if REDIS_URL:
    CHANNEL_LAYERS = {
        "default": {
            "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
            # redis-py 8 gives up reading after 5 s unless told otherwise, which ends a listener
            # that merely has nothing to hear (channels_redis#422).
            "CONFIG": {"hosts": [{"address": REDIS_URL, "socket_timeout": None}]},
        }
    }
    # What demos.notices says reaches the pages of all processes.
    EVENTSTREAM_REDIS = redis_options("REDIS_URL", REDIS_URL)
else:
    CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}

# Pages of other origins that may read the streams and open their WebSockets.

STREAM_ALLOWED_ORIGINS = env_origins("STREAM_ALLOWED_ORIGINS")

# Limits of one stream, and of one request that publishes to it.

STREAM_MAX_PIECE_LENGTH = env_int("STREAM_MAX_PIECE_LENGTH", 65_536)
STREAM_MAX_PIECES = env_int("STREAM_MAX_PIECES", 1_000_000)
STREAM_MAX_LENGTH = env_int("STREAM_MAX_LENGTH", 64 * 1024 * 1024)
STREAM_MAX_BODY = env_int("STREAM_MAX_BODY", 8 * 1024 * 1024)

# The admin's "view on site", and whatever else asks a stream for its page.

ABSOLUTE_URL_OVERRIDES = {"streams.stream": lambda stream: reverse("stream", args=[stream.name])}

# Languages: Chinese at /, English at /en/.

LANGUAGE_CODE = "zh-hans"
LANGUAGES = [("zh-hans", _("Simplified Chinese")), ("en", _("English"))]
USE_TZ = True
TIME_ZONE = "UTC"

# Static files: hashed names, collected into var/ by streamsite.prepare.

STATIC_URL = "/static/"
STATIC_ROOT = Path(os.environ.get("STATIC_ROOT", "") or VAR_DIR / "static")
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "streamsite.static.HashedStaticFilesStorage"
    },
}
SERVESTATIC_MAX_AGE = 3600

# Security.

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "base-uri": [NONE],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    }
}
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "strict-origin-when-cross-origin"
if TLS != "off":
    SECURE_HSTS_SECONDS = 365 * 24 * 3600
    SECURE_HSTS_INCLUDE_SUBDOMAINS = True
    SECURE_HSTS_PRELOAD = True
    SECURE_SSL_REDIRECT = True
    # Probes come from inside, by address, without TLS.
    SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]
    SESSION_COOKIE_SECURE = True
    CSRF_COOKIE_SECURE = True
if TLS == "proxy":
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")


def not_cut_off(record: logging.LogRecord) -> bool:
    """Tell whether this is anything but a request that was cut off at the server's end."""
    return record.exc_info is None or record.exc_info[0] is not asyncio.CancelledError


def without_traceback(record: logging.LogRecord) -> bool:
    """Have what went wrong told in the line itself. Returns True: the line is told."""
    if record.exc_info:
        record.msg, record.args = f"{record.getMessage()}: {record.exc_info[1]!r}", ()
        record.exc_info = None
    return True


LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"plain": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}},
    "filters": {
        "not_cut_off": {"()": "django.utils.log.CallbackFilter", "callback": not_cut_off},
        "without_traceback": {
            "()": "django.utils.log.CallbackFilter",
            "callback": without_traceback,
        },
    },
    "handlers": {
        "stderr": {"class": "logging.StreamHandler", "formatter": "plain"},
        "nowhere": {"class": "logging.NullHandler"},
    },
    "root": {"handlers": ["stderr"], "level": "WARNING"},
    "loggers": {
        "django": {"level": "WARNING"},
        "streamsite": {"level": "INFO"},
        # Whoever asks for a wrong name has been told; the operator need not be, with a traceback.
        "django.security.DisallowedHost": {"handlers": ["nowhere"], "propagate": False},
        # At its end uvicorn logs a traceback for each viewer, after a line with their number.
        "uvicorn.error": {"filters": ["not_cut_off"]},
        # While Redis is away its listener says so each second, with fifty lines of traceback.
        "channels_redis.pubsub": {"filters": ["without_traceback"]},
    },
}
