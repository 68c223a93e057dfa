"""Filters for the log, which `LOGGING` in the settings puts on the loggers of other packages."""

import asyncio
import logging


def is_not_cancelled(record: logging.LogRecord) -> bool:
    """Tell whether a record reports anything but a cancelled task."""
    return record.exc_info is None or record.exc_info[0] is not asyncio.CancelledError


def without_traceback(record: logging.LogRecord) -> bool:
    """Replace a record's traceback by the exception at the end of its message.

    Always returns True, so that the record is logged.
    """
    if record.exc_info:
        record.msg, record.args = f"{record.getMessage()}: {record.exc_info[1]!r}", ()
        record.exc_info = None
    return True
