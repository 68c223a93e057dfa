"""Announce to all pages that the list of streams has changed.

An announcement carries no data and is the same for everybody. A page that receives one requests
the list again from a view, which shows only what the user may see.

django-eventstream sends the announcements to the pages and, if Redis is configured, to the pages of
other processes. The package documents `send_event` alone. `EventRequest` and the names from
`django_eventstream.views` are undocumented; they were last read in version 5.3.4.
"""

import asyncio
import logging
import threading
import time
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models.signals import post_delete, post_save
from django.http import HttpRequest, StreamingHttpResponse
from django_eventstream import EventRequest, send_event
from django_eventstream.views import Listener, RedisListener, get_listener_manager, stream
from redis import RedisError
from redis.asyncio import Redis

from streamsite.streams import Stream, endpoint, streams_changed

logger = logging.getLogger(__name__)

CHANNEL = "streams"
# Seconds between two announcements of one process, however many changes there are.
INTERVAL = 0.3
# Seconds between two attempts to reach Redis.
RETRY = 1.0


@endpoint("GET")
async def notices(request: HttpRequest) -> StreamingHttpResponse:
    """Stream the announcements as Server-Sent Events."""
    # The package's own view would read channels, the user and a cursor from the request.
    # Announcements need none of them.
    event_request = EventRequest()
    event_request.is_next = False
    listener = Listener()
    event_request.channels = listener.channels = {CHANNEL}
    return StreamingHttpResponse(stream(event_request, listener), content_type="text/event-stream")


def begin() -> None:
    """Announce all changes of streams from now on."""
    streams_changed.connect(announce)
    post_save.connect(announce_after_commit, sender=Stream)
    post_delete.connect(announce_after_commit, sender=Stream)
    if hasattr(settings, "EVENTSTREAM_REDIS"):
        get_listener_manager().redis_listener = PersistentListener()


def announce_after_commit(using: str, **_signal: Any) -> None:
    transaction.on_commit(announce, using=using)


_announcement_due = threading.Event()
_sending = threading.Lock()
_sent_at = 0.0


def announce(**_signal: Any) -> None:
    """Announce soon that the list has changed. Never block.

    Changes within `INTERVAL` seconds share one announcement.
    """
    if not _announcement_due.is_set():
        _announcement_due.set()
        # Not a daemon thread: a command that ends its stream and then exits still announces the
        # end.
        threading.Thread(target=_send, name="notices").start()


def _send() -> None:
    global _sent_at
    with _sending:
        time.sleep(max(0.0, _sent_at + INTERVAL - time.monotonic()))
        # A change from here on needs another announcement.
        _announcement_due.clear()
        try:
            send_event(CHANNEL, "changed", "")
        except RedisError as error:
            logger.warning(
                "An announcement was lost (%r). Pages still update by themselves, but later.", error
            )
        _sent_at = time.monotonic()


class PersistentListener(RedisListener):
    """Receive the announcements of other processes, and reconnect whenever Redis fails.

    The listener of django-eventstream gives up for good after some seconds without Redis.
    """

    def __init__(self) -> None:
        super().__init__()
        # With a timeout, redis-py takes a silence for a fault, reconnects and loses the
        # announcements that are sent meanwhile.
        self.redis_client = Redis(**{**settings.EVENTSTREAM_REDIS, "socket_timeout": None})

    async def start(self) -> None:
        while True:
            try:
                async with self.redis_client.pubsub() as self.pubsub:
                    await self.listen()
            except Exception as error:  # noqa: BLE001 - redis-py may raise any error
                logger.warning(
                    "Redis doesn't answer (%r). Pages still update by themselves, but later.", error
                )
            await asyncio.sleep(RETRY)
