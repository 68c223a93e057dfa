"""The system checks of the chat: `manage.py check`."""

import math
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.core.checks import CheckMessage, run_checks
from django.test import override_settings

MISTAKES = [
    ({"CHAT_SOURCE": "shop.answers.answer"}, "chat.E002"),
    ({"CHAT_SOURCE": "answer"}, "chat.E002"),
    ({"CHAT_SOURCE": "tests.unit.test_chat_checks.awaited"}, "chat.E003"),
    ({"CHAT_SOURCE": "tests.unit.test_chat_checks.synchronous"}, "chat.E003"),
    ({"CHAT_SOURCE": "tests.unit.test_chat_checks.MISTAKES"}, "chat.E003"),
    ({"CHAT_KEEP": 365}, "chat.E005"),
    ({"CHAT_KEEP": "365d"}, "chat.E005"),
    ({"CHAT_KEEP": timedelta(days=-1)}, "chat.E005"),
    ({"CHAT_TIMEOUT": "60"}, "chat.E006"),
    ({"CHAT_TIMEOUT": -1}, "chat.E006"),
    ({"CHAT_TIMEOUT": None}, "chat.E006"),
    ({"CHAT_TIMEOUT": math.inf}, "chat.E006"),
    ({"CHAT_MAX_LENGTH": 0}, "chat.E006"),
    ({"CHAT_MAX_MESSAGES": 1.5}, "chat.E006"),
    ({"CHAT_MAX_ANSWERS": True}, "chat.E006"),
    ({"CHAT_MAX_ANSWERS_PER_PROCESS": "100"}, "chat.E006"),
    ({"CHAT_SOURCE": None}, "chat.E007"),
    ({"CHAT_MODEL": 5}, "chat.E007"),
    ({"CHAT_INSTRUCTIONS": ["Be brief."]}, "chat.E007"),
]


async def awaited(_question: object) -> str:
    return "An answer."


def synchronous(_question: object) -> Iterator[str]:
    yield "An answer."


def found() -> list[CheckMessage]:
    """Return the messages of the chat."""
    # On Django 6 the check of a JSONField would ask the database.
    return [message for message in run_checks(databases=[]) if message.id.startswith("chat.")]


@pytest.mark.parametrize(("wrong", "message_id"), MISTAKES)
def test_a_mistake_in_the_settings_is_named_with_its_value(wrong: dict[str, Any], message_id: str):
    ((name, value),) = wrong.items()
    with override_settings(**wrong):
        (message,) = found()
    assert message.id == message_id
    assert f"{name} is {value!r}" in message.msg


def test_a_message_says_what_would_be_right():
    with override_settings(CHAT_TIMEOUT="60", CHAT_MAX_LENGTH=-1):
        assert [message.msg for message in found()] == [
            "CHAT_TIMEOUT is '60'. It must be a number of seconds, and at least 1.",
            "CHAT_MAX_LENGTH is -1. It must be a whole number of characters, and at least 1.",
        ]


@pytest.mark.parametrize(
    "right",
    [
        {},
        {"CHAT_TIMEOUT": 1.5, "CHAT_MAX_ANSWERS": 1},
        {"CHAT_SOURCE": "tests.inside.chatter.answer"},
        {"CHAT_KEEP": None},
    ],
)
def test_valid_settings_pass_the_checks(right: dict[str, Any]):
    with override_settings(**right):
        assert found() == []
