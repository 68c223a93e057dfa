"""The settings of the chat, with their defaults."""

from datetime import timedelta
from importlib.util import find_spec
from typing import Any

from django.conf import settings
from django.utils.translation import gettext_noop as _

DEFAULTS: dict[str, Any] = {
    # The function that answers: takes a Question and is an asynchronous generator of texts or of
    # parts of the AI SDK's UI message stream.
    "CHAT_SOURCE": "streamsite.chat.agent.answer",
    # The model, as Pydantic AI names it: "anthropic:claude-sonnet-4-5", "openai-chat:gpt-5-mini".
    "CHAT_MODEL": "",
    # What the model is told before each conversation.
    "CHAT_INSTRUCTIONS": "",
    # Seconds for which the model may be silent.
    "CHAT_TIMEOUT": 60,
    # Characters of one question.
    "CHAT_MAX_LENGTH": 32_000,
    # Messages of one conversation.
    "CHAT_MAX_MESSAGES": 200,
    # Answers that may be written at once: for one user or visitor, and in one process.
    "CHAT_MAX_ANSWERS": 3,
    "CHAT_MAX_ANSWERS_PER_PROCESS": 100,
    # How long after its last question a conversation is kept. None is for ever.
    "CHAT_KEEP": timedelta(days=365),
}


def setting(name: str) -> Any:
    """Return the setting named `name`, or its default if the site does not set it."""
    return getattr(settings, name, DEFAULTS[name])


def source_problem() -> str:
    """Return a sentence about what the source lacks, or "" if there is a source that can answer.

    The sentence is in English, and the catalogs have its translation.
    """
    if setting("CHAT_SOURCE") != DEFAULTS["CHAT_SOURCE"]:
        return ""
    if not setting("CHAT_MODEL"):
        return _("This site has no model. Set CHAT_MODEL to the name of one.")
    if find_spec("pydantic_ai") is None:
        return _("The package for models is missing. Install it: pip install 'streamsite[chat]'.")
    return ""
