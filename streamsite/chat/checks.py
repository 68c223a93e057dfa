"""System checks of the chat's settings."""

import inspect
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, register
from django.utils.module_loading import import_string

from .conf import DEFAULTS, setting, source_problem
from .keeping import keep_problem


@register()
def check_source(**_: Any) -> list[CheckMessage]:
    """Refuse a source that can't answer."""
    path = setting("CHAT_SOURCE")
    if path == DEFAULTS["CHAT_SOURCE"]:
        # A site without a model works, but for the answers. Importing the source takes a second.
        problem = source_problem() if setting("CHAT_MODEL") else ""
        return [Error(problem, id="chat.E001")] if problem else []
    try:
        source = import_string(path)
    except ImportError as error:
        return [Error(f"CHAT_SOURCE is {path!r}. The import fails: {error}.", id="chat.E002")]
    if inspect.iscoroutinefunction(source) or not callable(source):
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
