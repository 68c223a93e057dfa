"""The registry: whose a conversation is, what it holds, and which answer is being written to it.

The database is the registry, so it is right across processes. The functions that query it are
synchronous and run by `in_database`.
"""

import secrets
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import router, transaction
from django.db.models import Q, QuerySet
from django.http import HttpRequest

from streamsite.streams import (
    BadRequest,
    Conflict,
    NoSuchStream,
    Pieces,
    Stream,
    StreamError,
    TooMany,
    find,
    follow,
    in_database,
    policy,
    reserve,
    stop,
)

from . import parts
from .conf import setting
from .errors import NoSuchConversation
from .models import Conversation, Message
from .questions import Asked, check_length, check_question

# The session's value that names a visitor who has not logged in. The value survives a login.
SESSION_KEY = "chat_visitor"
# Seconds within which the source of a new answer has to begin.
BEGINS_WITHIN = 30.0


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who asks: a user, or a browser session by its random `key`. Either may be missing."""

    user: Any
    key: str

    @classmethod
    def of(cls, request: HttpRequest, *, new: bool = False) -> "Visitor":
        """Return who sends a request. With `new`, an unknown visitor gets a key in the session."""
        user = policy().user(request)
        session = getattr(request, "session", None)
        key = session.get(SESSION_KEY, "") if session is not None else ""
        if new and not key and not user.is_authenticated:
            if session is None:
                raise Conflict("Log in first. This site has no sessions for other visitors.")
            session[SESSION_KEY] = key = secrets.token_hex(16)
            _add_cookie(request)
        return cls(user if user.is_authenticated else None, key)

    def conversations(self) -> QuerySet[Conversation]:
        """Return the conversations of this visitor, the newest first."""
        own = Q(pk__in=())
        if self.user is not None:
            own |= Q(owner=self.user)
        if self.key:
            own |= Q(owner=None, visitor=self.key)
        return Conversation.objects.filter(own).select_related("answer")

    def find(self, key: str) -> Conversation:
        """Return a conversation of this visitor. Raises NoSuchConversation."""
        # PostgreSQL raises ValueError for a NUL in a parameter.
        found = self.conversations().filter(key=key).first() if "\0" not in key else None
        if found is None:
            raise NoSuchConversation(key)
        return found


def _add_cookie(request: HttpRequest) -> None:
    """Save a new session, and give the request the cookie with which the browser comes next.

    A reader is asked again, with the headers of its request, whether it may read: see `is_own`.
    """
    request.session.save()
    scope: Any = getattr(request, "scope", None)
    if scope is not None:  # A request of Django's test client has none.
        cookie = f"{settings.SESSION_COOKIE_NAME}={request.session.session_key}"
        scope["headers"] = [*scope["headers"], (b"cookie", cookie.encode("ascii"))]


def is_own(request: HttpRequest, stream: Stream) -> bool:
    """Return whether a stream is an answer in a conversation of who sends the request."""
    return Visitor.of(request).conversations().filter(messages__stream=stream).exists()


@dataclass(frozen=True, slots=True)
class Begun:
    """An answer whose source may begin: its reserved stream, its message, and all before it."""

    stream: Stream
    message: Message
    history: list[parts.Part]


async def begin(visitor: Visitor, asked: Asked) -> Begun:
    """Add a question to its conversation, and reserve the stream of the answer.

    The first question under an id creates the conversation, with all messages of the front end.
    Later the messages in the database count, and only the newest one of the front end is added.

    Raises Conflict while an answer to the conversation is being written, TooMany,
    NoSuchConversation when another visitor has a conversation with this id, and what
    `check_question` raises.
    """
    while True:
        await settle(visitor, asked.conversation)
        begun = await in_database(_begin, visitor, asked)
        if begun is not None:
            return begun


async def live_answer(visitor: Visitor, key: str) -> Stream | None:
    """Return the answer that is being written to a conversation. Raises NoSuchConversation."""
    conversation = await in_database(visitor.find, key)
    if conversation.answer is None or not conversation.answer.live:
        return None
    try:
        answer = await find(conversation.answer.name)  # Ends an answer whose process has died.
    except NoSuchStream:
        return None
    return answer if answer.live else None


async def remove(visitor: Visitor, key: str) -> None:
    """Delete a conversation, with its messages and the streams of its answers.

    An answer that is being written is stopped. Raises NoSuchConversation.
    """
    if live := await live_answer(visitor, key):
        await stop(live)
    await in_database(lambda: visitor.find(key).delete())


async def settle(visitor: Visitor, key: str) -> None:
    """Copy the answers that have ended from their streams into the messages of a conversation."""
    for message in await in_database(_unsettled, visitor, key):
        await settle_message(message)


async def settle_message(message: Message) -> None:
    """Copy the parts of an answer from its stream into its message, if the answer has ended."""
    folded = parts.Message()
    try:
        if message.stream is not None:
            stream = await find(message.stream.name)
            if stream.live:
                return
            async with aclosing(follow(stream)) as batches:
                async for batch in batches:
                    for record in batch:
                        if isinstance(record, Pieces):
                            for part in record.values:
                                folded.add(part)
    except StreamError:
        pass  # Somebody deleted the stream. What was read of it counts.
    folded.settle()
    await in_database(_save, message, folded)


def _save(message: Message, folded: parts.Message) -> None:
    Message.objects.filter(pk=message.pk, parts__isnull=True).update(
        parts=parts.without_nul(folded.parts), metadata=parts.without_nul(folded.metadata)
    )


def _unsettled(visitor: Visitor, key: str) -> list[Message]:
    unsettled = Message.objects.filter(
        conversation__in=visitor.conversations().filter(key=key), parts__isnull=True
    )
    return list(unsettled.select_related("stream"))


def _begin(visitor: Visitor, asked: Asked) -> Begun | None:
    """Do what `begin` describes, or return None when an answer has to be settled first."""
    with transaction.atomic(router.db_for_write(Conversation)):
        conversation = _locked(visitor, asked.conversation)
        if conversation.answer is not None and conversation.answer.live:
            raise Conflict(
                "An answer to this conversation is being written. Wait for its end, or stop it."
            )
        _check_limits(visitor)
        if conversation.messages.filter(parts__isnull=True).exists():
            return None
        history = _add(conversation, asked)
        stream = reserve(
            owner=visitor.user, title=conversation.title, within=BEGINS_WITHIN, format="json"
        )
        answer = conversation.messages.create(
            key=secrets.token_urlsafe(12), role=Message.Role.ASSISTANT, stream=stream
        )
        conversation.answer = stream
        conversation.save()
        return Begun(stream, answer, [message.as_ui_message() for message in history])


def _locked(visitor: Visitor, key: str) -> Conversation:
    """Return the visitor's conversation, new or not, locked until the transaction ends.

    Raises NoSuchConversation.
    """
    new = {"visitor": visitor.key} if visitor.user is None else {"owner": visitor.user}
    conversation, created = Conversation.objects.get_or_create(key=key, defaults=new)
    if not created:
        # An UPDATE locks the row on PostgreSQL, and the database on SQLite.
        visitor.conversations().filter(pk=conversation.pk).update(key=key)
        conversation = visitor.find(key)
    return conversation


def _check_limits(visitor: Visitor) -> None:
    live = visitor.conversations().filter(answer__state=Stream.State.LIVE).count()
    if live >= (most := setting("CHAT_MAX_ANSWERS")):
        raise TooMany(
            f"{live} answers are being written to you, and {most} may be. Wait for the end of one, "
            "or stop one."
        )


def _add(conversation: Conversation, asked: Asked) -> list[Message]:
    """Bring the messages in line with the question, and return them, the newest last."""
    stored = list(conversation.messages.all())
    if not stored:
        kept, new = [], asked.messages
    elif asked.regenerate:
        kept, new = _up_to_question(stored, asked.message_id), []
    else:
        new = asked.messages[-1:]
        # A question with the id of an earlier one replaces it, and what followed.
        kept = _before(stored, asked.message_id or new[0]["id"])
    for message in new:
        check_length(message)
    if new:
        check_question(new[-1])
    most = setting("CHAT_MAX_MESSAGES")
    if len(kept) + len(new) >= most:
        raise Conflict(f"A conversation has at most {most} messages. Begin another conversation.")
    conversation.messages.exclude(pk__in=[message.pk for message in kept]).delete()
    added = [
        conversation.messages.create(key=each["id"], role=each["role"], parts=each["parts"])
        for each in new
    ]
    messages = kept + added
    if not conversation.title:
        conversation.title = " ".join(messages[0].text.split())[:200]
    return messages


def _before(messages: list[Message], key: str) -> list[Message]:
    """Return the messages before the one with this id, or all if none has the id."""
    keys = [message.key for message in messages]
    return messages[: keys.index(key)] if key in keys else messages


def _up_to_question(messages: list[Message], key: str | None) -> list[Message]:
    """Return the messages up to the question whose answer is to be written again.

    `key` is the id of the answer or of the question. Without it, the newest question is meant.
    """
    if key is not None:
        keys = [message.key for message in messages]
        if key not in keys:
            raise BadRequest(f"The conversation has no message with the id {key!r}.")
        messages = messages[: keys.index(key) + 1]
    while messages and messages[-1].role != Message.Role.USER:
        messages = messages[:-1]
    if not messages:
        raise BadRequest("There is no question to answer again. Ask one.")
    return messages
