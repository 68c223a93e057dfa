"""The pieces of a run: numbers, the article's text, or the answer of a model."""

import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

from django.utils.module_loading import import_string

from streamsite.chat.answers import parts_of
from streamsite.chat.conf import setting
from streamsite.chat.questions import Question
from streamsite.streams import find

from ..article import NAME
from .options import MOST_CHARACTERS, Options

FILLING = "·"
# The most characters of a piece. A model gives a few words at a time.
LONGEST = 2000
# What the model is asked for.
QUESTIONS = {
    "en": "Explain in about 200 words how a web server streams text to a browser.",
    "zh-hans": "请用大约两百字解释网页服务器如何把文字流式输出到浏览器。",
}


def pieces_of(options: Options) -> AsyncGenerator[str, None]:
    """Return an asynchronous generator of the pieces of a run."""
    return {"numbers": numbers, "article": article, "model": model}[options.text](options)


async def numbers(options: Options) -> AsyncGenerator[str, None]:
    """Yield "0 ·····", "1 ·····" and so on: a reader sees which piece it is."""
    for n in range(options.pieces):
        yield f"{n} ".ljust(options.size, FILLING)


async def article(options: Options) -> AsyncGenerator[str, None]:
    """Yield the text of the article's stream, and again from its beginning, in equal pieces."""
    text = await (await find(NAME)).atext() + "\n"
    for n in range(options.pieces):
        start = n * options.size % len(text)
        piece = text[start : start + options.size]
        while len(piece) < options.size:
            piece += text[: options.size - len(piece)]
        yield piece


async def model(options: Options) -> AsyncGenerator[str, None]:
    """Yield the texts of a model's answer as they come, for as long as the run lasts."""
    source: Any = import_string(setting("CHAT_SOURCE"))
    parts = [{"type": "text", "text": QUESTIONS[options.language]}]
    messages = [{"id": "lab", "role": "user", "parts": parts}]
    question = Question("lab", "lab-answer", messages, language=options.language)
    left = MOST_CHARACTERS
    over = time.monotonic() + options.seconds
    async with aclosing(parts_of(source, question)) as answer:  # type: ignore[type-var]
        async for part in answer:
            text = str(part["delta"]) if part["type"] == "text-delta" else ""
            left -= len(text)
            if left < 0 or time.monotonic() > over:
                return
            if text:
                yield text[:LONGEST]
