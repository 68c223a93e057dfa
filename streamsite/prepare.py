"""Prepare the site before the first request: the tables of the database and the static files.

The embedded database is migrated automatically, so that a fresh checkout runs without another
command. A database that DATABASE_URL names is never migrated here: the database may be shared, so
the operator decides when to migrate.
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
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.db.utils import OperationalError

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
            prepare_database()
            if not settings.DEBUG:
                collect_static_files(settings.STATIC_ROOT)
    except OSError as error:
        raise ImproperlyConfigured(
            f"{error.filename or settings.VAR_DIR} can't be written "
            f"({error.strerror}): make the folder writable, or name another in VAR_DIR."
        ) from error
    finally:
        connection.close()


def prepare_database() -> None:
    """Migrate the embedded database, or raise an error if another database lacks migrations."""
    try:
        executor = MigrationExecutor(connection)
        if not executor.migration_plan(executor.loader.graph.leaf_nodes()):
            return
    except OperationalError as error:
        where = f"the database {settings.DATABASES['default']['NAME']}"
        remedy = (
            "make its folder writable, or name another in VAR_DIR"
            if settings.EMBEDDED_DATABASE
            else "check DATABASE_URL, and that its server runs"
        )
        raise ImproperlyConfigured(
            f"{where} can't be opened ({' '.join(str(error).split())}): {remedy}."
        ) from error
    if not settings.EMBEDDED_DATABASE:
        raise ImproperlyConfigured(
            "the database of DATABASE_URL lacks some migrations: "
            "run `python manage.py migrate`, then start again."
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
