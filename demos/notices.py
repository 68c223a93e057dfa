"""Site-wide announcements: "the list of streams has changed, read it again".

An announcement says no more than that, to everybody the same: what the list holds, a page asks of
a view. django-eventstream carries it, through Redis to the pages of other processes.
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

from streamsite.streams import endpoint
from streamsite.streams.models import Stream
from streamsite.streams.signals import streams_changed

logger = logging.getLogger(__name__)

CHANNEL = "streams"
# Seconds between two announcements of one process, however much happens.
INTERVAL = 0.3
# Seconds until Redis is tried again.
RETRY = 1.0


@endpoint("GET")
async def notices(request: HttpRequest) -> StreamingHttpResponse:
    """Stream the announcements as events."""
    # Not the package's own view: that reads channels, users and cursors from the request, none of
    # which an announcement has.
    asked = EventRequest()
    asked.is_next = False
    listener = Listener()
    asked.channels = listener.channels = {CHANNEL}
    return StreamingHttpResponse(stream(asked, listener), content_type="text/event-stream")


def begin() -> None:
    """Announce what happens to streams from now on."""
    streams_changed.connect(announce)
    post_save.connect(announce_after_commit, sender=Stream)
    post_delete.connect(announce_after_commit, sender=Stream)
    if hasattr(settings, "EVENTSTREAM_REDIS"):
        get_listener_manager().redis_listener = TirelessListener()


def announce_after_commit(using: str, **_signal: Any) -> None:
    transaction.on_commit(announce, using=using)


_waiting = threading.Event()
_sending = threading.Lock()
_sent_at = 0.0


def announce(**_signal: Any) -> None:
    """Say soon, and not twice, that the list has changed. Never blocks."""
    if not _waiting.is_set():
        _waiting.set()
        # No daemon: a command that ends its stream and then itself is still heard.
        threading.Thread(target=_send, name="notices").start()


def _send() -> None:
    global _sent_at
    with _sending:
        time.sleep(max(0.0, _sent_at + INTERVAL - time.monotonic()))
        # What happens from here on is said again.
        _waiting.clear()
        try:
            send_event(CHANNEL, "changed", "")
        except RedisError as error:
            logger.warning("An announcement got lost (%r): pages look by themselves.", error)
        _sent_at = time.monotonic()


class TirelessListener(RedisListener):
    """The package's own gives up for good after seconds without Redis. This one begins again."""

    def __init__(self) -> None:
        super().__init__()
        # With a timeout redis-py takes a silence for a fault, and is deaf while it connects anew.
        self.redis_client = Redis(**{**settings.EVENTSTREAM_REDIS, "socket_timeout": None})

    async def start(self) -> None:
        while True:
            try:
                async with self.redis_client.pubsub() as self.pubsub:
                    await self.listen()
            except Exception as error:  # noqa: BLE001 - whatever Redis may raise
                logger.warning("Redis doesn't answer (%r): pages look by themselves.", error)
            await asyncio.sleep(RETRY)
