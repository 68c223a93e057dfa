"""Sources for the chat's tests: what a question asks for is what its answer does."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from django.conf import settings

from streamsite.chat import Question
from streamsite.streams import Failed


def mark(conversation: str) -> Path:
    """Return the file that says that the source of a conversation's answer was cancelled."""
    return Path(settings.VAR_DIR) / f"cancelled-{conversation}"


def cancelled(conversation: str) -> bool:
    return mark(conversation).exists()


async def answer(question: Question) -> AsyncIterator[Any]:
    """Do what the question says: `count 3`, `hang`, `fail`, `break`, `say …`, `parts …`, …"""
    command, _, rest = question.text.partition(" ")
    match command:
        case "count":
            number, _, pause = rest.partition(" ")
            for n in range(int(number)):
                yield f"{n} "
                await asyncio.sleep(float(pause or 0))
        case "hang":
            yield "waiting "
            try:
                await asyncio.Event().wait()
            finally:
                mark(question.conversation).touch()
        case "fail":
            yield "so far "
            raise Failed(rest)
        case "break":
            yield "so far "
            raise ValueError("https://key:secret@provider.example")
        case "parts":
            for part in json.loads(rest):
                yield part
        case "say":  # Each word is a part of its own, and `⏸` waits until the answer is stopped.
            for word in re.findall(r"\s*\S+\s*?", rest):
                if word.strip() == "⏸":
                    await asyncio.Event().wait()
                yield word
        case "history":
            yield json.dumps([message["id"] for message in question.messages])
        case _:
            yield rest


async def essay(question: Question) -> AsyncIterator[str]:
    """Answer any question with twenty parts, as a model does."""
    for n in range(20):
        yield f"word {n} "
