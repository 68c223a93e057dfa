"""Keeping: how long a conversation is kept after its last question, and the removal of old ones."""

from contextlib import suppress
from datetime import timedelta

from asgiref.sync import async_to_sync
from django.db import router, transaction
from django.db.models import F, QuerySet
from django.utils import timezone

from streamsite.streams import Stream, StreamError, find

from .conf import setting
from .models import Conversation

# Conversations that one transaction removes.
BATCH = 20


def keep_problem() -> str:
    """Return a sentence about a CHAT_KEEP that is not valid, or ""."""
    keep = setting("CHAT_KEEP")
    if keep is None or (isinstance(keep, timedelta) and keep >= timedelta()):
        return ""
    return f"CHAT_KEEP is {keep!r}, which is not a duration."


def expired() -> QuerySet[Conversation]:
    """Return the conversations whose time is over, the oldest first.

    A conversation to which an answer is being written is not among them.
    """
    return _old().exclude(answer__state=Stream.State.LIVE)


def prune() -> list[str]:
    """Delete the next conversations whose time is over, and return their ids.

    Their messages and the streams of their answers are deleted, too.
    """
    batch = list(expired().values_list("pk", flat=True)[:BATCH])
    with transaction.atomic(router.db_for_write(Conversation)):
        # An UPDATE locks the rows on PostgreSQL, and the database on SQLite. After the UPDATE, a
        # conversation that has got a new question is not among the expired ones.
        Conversation.objects.filter(pk__in=batch).update(visitor=F("visitor"))
        due = list(expired().filter(pk__in=batch))
        Conversation.objects.filter(pk__in=[each.pk for each in due]).delete()
    return [each.key for each in due]


def end_dead_answers() -> None:
    """End the answers to old conversations whose process has died. Nobody has asked for them."""
    live = _old().filter(answer__state=Stream.State.LIVE)
    for name in live.values_list("answer__name", flat=True):
        with suppress(StreamError):
            async_to_sync(find)(name)


def _old() -> QuerySet[Conversation]:
    keep = setting("CHAT_KEEP")
    if keep is None:
        return Conversation.objects.none()
    old = Conversation.objects.filter(updated_at__lt=timezone.now() - keep)
    return old.order_by("updated_at")
