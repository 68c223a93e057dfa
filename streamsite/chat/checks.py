"""System checks of the chat's settings."""

import inspect
import math
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, register
from django.utils.module_loading import import_string

from .conf import DEFAULTS, setting, source_problem
from .keeping import keep_problem

# The settings that are texts.
TEXTS = ("CHAT_SOURCE", "CHAT_MODEL", "CHAT_INSTRUCTIONS")
# What each number counts. A number of seconds may have a fraction.
NUMBERS = {
    "CHAT_TIMEOUT": "seconds",
    "CHAT_MAX_LENGTH": "characters",
    "CHAT_MAX_MESSAGES": "messages",
    "CHAT_MAX_ANSWERS": "answers",
    "CHAT_MAX_ANSWERS_PER_PROCESS": "answers",
}


@register()
def check_source(**_: Any) -> list[CheckMessage]:
    """Refuse a source that can't answer. A source that is no text is left to `check_texts`."""
    path = setting("CHAT_SOURCE")
    if not isinstance(path, str):
        return []
    if path == DEFAULTS["CHAT_SOURCE"]:
        # A site without a model works, but for the answers. Importing the source takes a second.
        problem = source_problem() if setting("CHAT_MODEL") else ""
        return [Error(problem, id="chat.E001")] if problem else []
    try:
        source = import_string(path)
    except ImportError as error:
        return [
            Error(
                f"CHAT_SOURCE is {path!r}. The import fails: {error}.",
                hint='Write the dotted path of a function, such as "shop.answers.answer".',
                id="chat.E002",
            )
        ]
    # A plain function may return the asynchronous generator of another one.
    wrong = inspect.iscoroutinefunction(source) or inspect.isgeneratorfunction(source)
    if wrong or not callable(source):
        return [
            Error(
                f"CHAT_SOURCE is {path!r}, which is no asynchronous generator.",
                hint="Write `async def answer(question):` with a `yield` in it.",
                id="chat.E003",
            )
        ]
    return []


@register()
def check_apps(**_: Any) -> list[CheckMessage]:
    """Refuse a site without the engine, whose streams hold the answers."""
    if "streamsite.streams" in settings.INSTALLED_APPS:
        return []
    return [
        Error(
            "streamsite.chat needs streamsite.streams.",
            hint='Add "streamsite.streams" to INSTALLED_APPS.',
            id="chat.E004",
        )
    ]


@register()
def check_keep(**_: Any) -> list[CheckMessage]:
    """Require that CHAT_KEEP is a duration or None."""
    if problem := keep_problem():
        hint = "Write a timedelta, such as timedelta(days=365), or None for ever."
        return [Error(problem, hint=hint, id="chat.E005")]
    return []


@register()
def check_numbers(**_: Any) -> list[CheckMessage]:
    """Require that the settings in `NUMBERS` are numbers from 1."""
    messages: list[CheckMessage] = []
    for name, unit in NUMBERS.items():
        value = setting(name)
        kinds = (int, float) if unit == "seconds" else (int,)
        # A bool is not a number, although its class is a subclass of int.
        if type(value) in kinds and 1 <= value < math.inf:
            continue
        what = f"{'number' if unit == 'seconds' else 'whole number'} of {unit}, and at least 1"
        messages.append(Error(f"{name} is {value!r}. It must be a {what}.", id="chat.E006"))
    return messages


@register()
def check_texts(**_: Any) -> list[CheckMessage]:
    """Require that the settings in `TEXTS` are texts."""
    return [
        Error(
            f"{name} is {value!r}. It must be a text.",
            hint=f"Write a text, or leave the setting out: the default is {DEFAULTS[name]!r}.",
            id="chat.E007",
        )
        for name in TEXTS
        if not isinstance(value := setting(name), str)
    ]
