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
from streamsite.streams.http.draining import draining


def mark(conversation: str) -> Path:
    """Return the file that says that the source of a conversation's answer was cancelled."""
    return Path(settings.VAR_DIR) / f"cancelled-{conversation}"


def permission(conversation: str) -> Path:
    """Return the file that lets the answer of a conversation go on after `⏵`."""
    return Path(settings.VAR_DIR) / f"goes-on-{conversation}"


def let_go_on(conversation: str) -> None:
    permission(conversation).touch()


def cancelled(conversation: str) -> bool:
    return mark(conversation).exists()


async def answer(question: Question) -> AsyncIterator[Any]:
    """Do what the question says: `count 3`, `outlast 3`, `hang`, `fail`, `say …`, `parts …`, …"""
    command, _, rest = question.text.partition(" ")
    match command:
        case "count":
            number, _, pause = rest.partition(" ")
            for n in range(int(number)):
                yield f"{n} "
                await asyncio.sleep(float(pause or 0))
        case "outlast":  # Wait until the process is told to end, and go on for some words.
            yield "waiting "
            while not draining.begun:
                await asyncio.sleep(0.01)
            for n in range(int(rest)):
                yield f"{n} "
                await asyncio.sleep(0.05)
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
        case "say":  # Each word is a part of its own.
            for word in re.findall(r"\s*\S+\s*?", rest):
                match word.strip():
                    case "⏸":  # Waits until the answer is stopped.
                        await asyncio.Event().wait()
                    case "⏵":  # Waits for `let_go_on`.
                        while not permission(question.conversation).exists():
                            await asyncio.sleep(0.02)
                    case _:
                        yield word
        case "history":
            yield json.dumps([message["id"] for message in question.messages])
        case _:
            yield rest


async def essay(question: Question) -> AsyncIterator[str]:
    """Answer any question with twenty parts, as a model does."""
    for n in range(20):
        yield f"word {n} "
