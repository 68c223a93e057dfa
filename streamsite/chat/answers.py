"""Answers: a source's texts and parts, written as a stream, and the stream's records as parts.

The parts of an answer are the pieces of its stream. The part that tells of the end is none of them,
because nobody can write to a stream that was stopped: `end_part` makes it of the stream's end.
"""

import asyncio
import secrets
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing, suppress

from django.utils import translation
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _

from streamsite.streams import (
    End,
    Failed,
    NoSuchStream,
    Stream,
    StreamError,
    TooMany,
    Unavailable,
    end_of,
    start,
    stop,
)

from .conf import setting, source_problem
from .conversations import Begun, Visitor, begin, settle_message
from .parts import Part
from .patience import Patience
from .questions import Asked, Question

# A source yields texts or parts.
Item = str | Part
Source = Callable[[Question], AsyncGenerator[Item, None]]

# The answers that are being written in this process.
_writing: set[asyncio.Task[None]] = set()


async def answer(visitor: Visitor, asked: Asked, language: str) -> Stream:
    """Begin the answer to a question, and return its stream.

    Raises what `begin` and `start` raise, Unavailable, and TooMany when this process writes as many
    answers as CHAT_MAX_ANSWERS_PER_PROCESS allows.
    """
    if problem := source_problem():
        raise Unavailable(problem)
    if len(_writing) >= (most := setting("CHAT_MAX_ANSWERS_PER_PROCESS")):
        raise TooMany(f"{most} answers are being written. Ask again in a minute.")
    # Importing the libraries for models takes seconds, which the event loop has not.
    source = await asyncio.to_thread(import_string, setting("CHAT_SOURCE"))
    begun = await begin(visitor, asked)
    question = Question(
        asked.conversation,
        begun.message.key,
        begun.history,
        user=visitor.user,
        extra=asked.extra,
        language=language,
    )
    # The task of the source inherits the language, for the sentences that the reader gets.
    with translation.override(language):
        try:
            stream = await start(begun.stream, parts_of(source, question))
        except StreamError:
            # Nobody waits for an answer that does not begin.
            await stop(begun.stream)
            await settle_message(begun.message)
            raise
    keeping = asyncio.create_task(_keep(begun))
    _writing.add(keeping)
    keeping.add_done_callback(_writing.discard)
    return stream


async def _keep(begun: Begun) -> None:
    """Copy an answer into its message when the answer has ended."""
    with suppress(NoSuchStream):  # Somebody has deleted the stream.
        await end_of(begun.stream)
    await settle_message(begun.message)


async def parts_of(source: Source, question: Question) -> AsyncIterator[Part]:
    """Yield the parts of an answer: those of the source, and what the AI SDK expects around them.

    The source may yield texts, which become a text part. A source that yields parts leaves out
    `start`, and may leave out `finish`.

    Raises Failed, with a reason that the reader may know.
    """
    yield {"type": "start", "messageId": question.message_id}
    text = ""  # The id of the open text part.
    finished = False
    try:
        async with aclosing(source(question)) as items:
            async for item in _awaited(items):
                if isinstance(item, str):
                    if not text:
                        text = secrets.token_urlsafe(6)
                        yield {"type": "text-start", "id": text}
                    yield {"type": "text-delta", "id": text, "delta": item}
                    continue
                if text:
                    yield {"type": "text-end", "id": text}
                    text = ""
                if item["type"] != "start":
                    yield item
                finished = item["type"] == "finish"
    except Exception as error:
        if text:
            yield {"type": "text-end", "id": text}
        if isinstance(error, Failed):
            raise
        # The user who asked owns the stream, and the owner of a stream sees the exception.
        raise Failed(_("The answer failed. Ask again.")) from error
    if text:
        yield {"type": "text-end", "id": text}
    if not finished:
        yield {"type": "finish", "finishReason": "stop"}


async def _awaited(items: AsyncGenerator[Item, None]) -> AsyncIterator[Item]:
    """Yield the items of a source. Raises Failed when the source is silent for too long."""
    patience = Patience(setting("CHAT_TIMEOUT"))
    try:
        while True:
            with patience:
                item = await anext(items)
            yield item
    except StopAsyncIteration:
        return
    except TimeoutError:
        raise Failed(_("The model did not answer in time. Ask again.")) from None
    finally:
        patience.end()


def end_part(end: End) -> Part | None:
    """Return the part that tells a front end how an answer ended, or None for a complete answer.

    The chat's own sentences are in the active language. The source's sentences stay as they are.
    """
    match end.state:
        case "done":
            return None
        case "stopped":
            return {"type": "abort", "reason": end.reason} if end.reason else {"type": "abort"}
        case "interrupted":
            return {"type": "error", "errorText": _("The answer was interrupted. Ask again.")}
    return {"type": "error", "errorText": end.reason}
