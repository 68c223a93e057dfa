"""What has to be there before the first request: the database's tables and the static files.

A fresh checkout runs without a command beforehand, so the embedded database migrates itself.
A database that DATABASE_URL names never does: it may be shared, and migrating it is the
operator's decision.
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

# Seconds in which Redis has to answer.
REDIS_PATIENCE = 2


def prepare() -> None:
    """Make the site ready to serve, once however many processes start at the same time.

    Raises ImproperlyConfigured with a sentence for the operator.
    """
    # A server that imports the application inside its event loop would make Django refuse the
    # database there, so the work has a thread of its own.
    with ThreadPoolExecutor(1, "prepare") as thread:
        thread.submit(_prepare).result()
    look_for_redis()


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
    """Migrate the embedded database; of another one, say so when it isn't up to date."""
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


def look_for_redis() -> None:
    """Say so when Redis doesn't answer. The site works without, and it may come later."""
    if not settings.REDIS_URL:
        return
    try:
        with redis.Redis.from_url(
            settings.REDIS_URL, socket_connect_timeout=REDIS_PATIENCE, socket_timeout=REDIS_PATIENCE
        ) as client:
            client.ping()
    except redis.RedisError as error:
        logger.warning(
            "The server of REDIS_URL doesn't answer (%s): until it does, viewers on other "
            "processes than the producer's see pieces every 2 s.",
            type(error).__name__,  # Its words may name a user.
        )


def collect_static_files(root: Path) -> None:
    """Collect the static files unless those in root come from the same sources already."""
    stamp = root / ".sources"
    sources = fingerprint()
    if stamp.is_file() and stamp.read_text() == sources:
        return
    root.mkdir(parents=True, exist_ok=True)
    call_command("collectstatic", verbosity=0, interactive=False)
    stamp.write_text(sources)


def fingerprint() -> str:
    """Return a hash of the path, size and time of every static file that the apps bring."""
    digest = hashlib.sha256(django.__version__.encode())
    for finder in get_finders():
        for path, storage in finder.list(ignore_patterns=None):
            stat = Path(storage.path(path)).stat()
            digest.update(f"{path} {stat.st_size} {stat.st_mtime_ns}\n".encode())
    return digest.hexdigest()
