"""Requests under WSGI, whose event loops end with the view.

Under WSGI, Django runs an async view by `async_to_sync`, in an event loop that ends when the view
returns. Under ASGI, `async_to_sync` runs a coroutine in the event loop of the server. An event loop
made by `async_to_sync` is therefore no proof of WSGI: async test methods of Django run in one, too.
"""

import asyncio
from contextvars import ContextVar
from typing import Any

from asgiref.sync import AsyncToSync
from django.core.signals import request_finished, request_started

_serving = ContextVar("_serving", default=False)


def connect() -> None:
    """Note from now on which requests are under WSGI. Call this once, when Django starts."""
    request_started.connect(_begin)
    request_finished.connect(_end)


def _begin(**signal: Any) -> None:
    # Django sends the signal with the scope under ASGI, and without one under WSGI.
    _serving.set("scope" not in signal)


def _end(**_signal: Any) -> None:
    _serving.set(False)


def loop_ends_with_view() -> bool:
    """Return whether the running event loop serves one view under WSGI, and ends with the view."""
    return _serving.get() and made_by_asgiref(asyncio.get_running_loop())


def made_by_asgiref(loop: asyncio.AbstractEventLoop) -> bool:
    """Return whether `async_to_sync` made this event loop, to run one coroutine."""
    # Undocumented. Last read in asgiref 3.13.
    return loop in AsyncToSync.loop_thread_executors
