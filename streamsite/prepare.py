"""Prepare the site before the first request: the tables of the database and the static files.

The embedded database is migrated automatically, so that a fresh checkout runs without another
command. No other database is migrated here: the database may be shared, so the operator decides
when to migrate. The others are the database that DATABASE_URL names, and the one in which database
routers keep the engine's tables.
"""

import fcntl
import hashlib
import logging
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import django
import redis
from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.migrations.executor import MigrationExecutor
from django.db.utils import OperationalError

from streamsite.streams.querysets import home

logger = logging.getLogger(__name__)

# Seconds that Redis may take to answer.
REDIS_TIMEOUT = 2


def prepare() -> None:
    """Make the site ready to serve. Processes that start together wait for one another.

    Raise `ImproperlyConfigured` with a message for the operator if something is missing or cannot
    be written.
    """
    # Some servers import the application in their event loop, where Django refuses to use the
    # database. The work therefore runs in a thread.
    with ThreadPoolExecutor(1, "prepare") as thread:
        thread.submit(_prepare).result()
    check_redis()


def _prepare() -> None:
    try:
        settings.VAR_DIR.mkdir(parents=True, exist_ok=True)
        with (settings.VAR_DIR / "prepare.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            for alias in dict.fromkeys((DEFAULT_DB_ALIAS, home())):
                prepare_database(alias)
            if not settings.DEBUG:
                collect_static_files(settings.STATIC_ROOT)
    except OSError as error:
        raise ImproperlyConfigured(
            f"{error.filename or settings.VAR_DIR} can't be written "
            f"({error.strerror}): make the folder writable, or name another in VAR_DIR."
        ) from error
    finally:
        connections.close_all()


def prepare_database(alias: str) -> None:
    """Migrate the embedded database, or raise an error if another database lacks migrations."""
    connection = connections[alias]
    default = alias == DEFAULT_DB_ALIAS
    embedded = default and settings.EMBEDDED_DATABASE
    setting = "DATABASE_URL" if default else f"DATABASES[{alias!r}]"
    try:
        executor = MigrationExecutor(connection)
        if not executor.migration_plan(executor.loader.graph.leaf_nodes()):
            return
    except OperationalError as error:
        remedy = (
            "make its folder writable, or name another in VAR_DIR"
            if embedded
            else f"check {setting}, and that its server runs"
        )
        raise ImproperlyConfigured(
            f"the database {connection.settings_dict['NAME']} can't be opened "
            f"({' '.join(str(error).split())}): {remedy}."
        ) from error
    if not embedded:
        command = "migrate" if default else f"migrate --database {alias}"
        raise ImproperlyConfigured(
            f"the database of {setting} lacks some migrations: "
            f"run `python manage.py {command}`, then start again."
        )
    call_command("migrate", verbosity=0, interactive=False)


def check_redis() -> None:
    """Log a warning if Redis doesn't answer, because the site works without Redis, only slower."""
    if not settings.REDIS_URL:
        return
    try:
        with redis.Redis.from_url(
            settings.REDIS_URL, socket_connect_timeout=REDIS_TIMEOUT, socket_timeout=REDIS_TIMEOUT
        ) as client:
            client.ping()
    except redis.RedisError as error:
        logger.warning(
            "The Redis server of REDIS_URL doesn't answer (%s). Until it does, viewers who are not "
            "connected to the producer's process see new pieces only every 2 s.",
            # Only the class of the error, because its message may name a user.
            type(error).__name__,
        )


def collect_static_files(root: Path) -> None:
    """Collect the static files into `root`, unless the sources are the same as last time."""
    stamp = root / ".sources"
    sources = fingerprint()
    if stamp.is_file() and stamp.read_text() == sources:
        return
    root.mkdir(parents=True, exist_ok=True)
    call_command("collectstatic", verbosity=0, interactive=False)
    stamp.write_text(sources)


def fingerprint() -> str:
    """Return a hash of Django's version and of the path, size and time of every static file."""
    digest = hashlib.sha256(django.__version__.encode())
    for finder in get_finders():
        for path, storage in finder.list(ignore_patterns=None):
            stat = Path(storage.path(path)).stat()
            digest.update(f"{path} {stat.st_size} {stat.st_mtime_ns}\n".encode())
    return digest.hexdigest()
