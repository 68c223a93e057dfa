"""The log of the site: what is logged, and in which form."""

import asyncio
import json
import logging
from datetime import UTC, datetime
from typing import Any


def is_not_cancelled(record: logging.LogRecord) -> bool:
    """Return whether a record reports anything but a cancelled task."""
    return record.exc_info is None or record.exc_info[0] is not asyncio.CancelledError


def without_traceback(record: logging.LogRecord) -> bool:
    """Replace a record's traceback by the exception at the end of its message.

    Always returns True, so that the record is logged.
    """
    if record.exc_info:
        record.msg, record.args = f"{record.getMessage()}: {record.exc_info[1]!r}", ()
        record.exc_info = None
    return True


class PlainFormatter(logging.Formatter):
    """Formats a record for a person, with the id of its request at the end of the line."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - Python's name
        line = super().formatMessage(record)
        request_id = getattr(record, "request_id", "")
        return f"{line} [{request_id}]" if request_id else line


class JsonFormatter(logging.Formatter):
    """Formats a record as one line of JSON, with its traceback if it has one.

    {"time": "2026-11-29T02:00:00.123+00:00", "level": "ERROR", "logger": "streamsite.streams.http",
     "message": "GET '/stream/build' failed", "request_id": "…", "exception": "Traceback …"}
    """

    def format(self, record: logging.LogRecord) -> str:
        when = datetime.fromtimestamp(record.created, UTC)
        line = {
            "time": when.isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if request_id := getattr(record, "request_id", ""):
            line["request_id"] = request_id
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        if record.stack_info:
            line["stack"] = self.formatStack(record.stack_info)
        return json.dumps(line)


def configuration(form: str) -> dict[str, Any]:
    """Return the setting LOGGING. `form` is "plain" or "json".

    Everything goes to stderr, except what an operator cannot act on.
    """
    access_log = logging.getLogger("uvicorn.access")
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "plain": {
                "()": PlainFormatter,
                "format": "%(asctime)s %(levelname)s %(name)s: %(message)s",
            },
            "json": {"()": JsonFormatter},
        },
        "filters": {
            "is_not_cancelled": {
                "()": "django.utils.log.CallbackFilter",
                "callback": is_not_cancelled,
            },
            "request_id": {"()": "streamsite.streams.request_id.RequestIdFilter"},
            "without_traceback": {
                "()": "django.utils.log.CallbackFilter",
                "callback": without_traceback,
            },
        },
        "handlers": {
            "stderr": {
                "class": "logging.StreamHandler",
                "formatter": form,
                "filters": ["request_id"],
            },
            "nowhere": {"class": "logging.NullHandler"},
        },
        "root": {"handlers": ["stderr"], "level": "WARNING"},
        "loggers": {
            "django": {"level": "WARNING"},
            "streamsite": {"level": "INFO"},
            # A request for a wrong host name is the client's mistake, and the client is told.
            "django.security.DisallowedHost": {"handlers": ["nowhere"], "propagate": False},
            # When uvicorn shuts down, it logs the number of requests that it cancels and then a
            # traceback for each of them.
            "uvicorn.error": {"filters": ["is_not_cancelled"]},
            # uvicorn's own handlers would mix their form of lines with the site's.
            "uvicorn": {"handlers": ["stderr"], "propagate": False},
            # Without handlers, as --no-access-log leaves this logger, uvicorn logs no requests. The
            # entry above would undo the option.
            "uvicorn.access": {
                "handlers": ["stderr"] if access_log.hasHandlers() else [],
                "propagate": False,
            },
            # While Redis is down, its listener logs a traceback of fifty lines every second.
            "channels_redis.pubsub": {"filters": ["without_traceback"]},
        },
    }
