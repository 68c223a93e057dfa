"""A question: what a source is asked for, and how the request for it is read and checked."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from streamsite.streams import BadRequest, TooLarge

from .conf import setting
from .parts import Part, text_of, without_nul

# The longest id of a conversation or of a message, in characters.
KEY_LENGTH = 100
ROLES = ("user", "assistant")
TRIGGERS = ("submit-message", "regenerate-message")


@dataclass(frozen=True, slots=True)
class Question:
    """A question to a source, with the conversation so far.

        async def answer(question: Question):
            async for word in model(question.text):
                yield word

    `conversation` is the id of the conversation, and `message_id` that of the answer. `messages`
    are the messages so far, the newest last, as the AI SDK has them:
    `{"id": "…", "role": "user", "parts": [{"type": "text", "text": "…"}]}`. `user` is the user who
    asks, or None for a visitor who is not logged in. `extra` has the other members of the request's
    body. `language` is a language code such as "zh-hans".
    """

    conversation: str
    message_id: str
    messages: list[Part]
    user: Any = None
    extra: Mapping[str, Any] = field(default_factory=dict)
    language: str = "en"

    @property
    def text(self) -> str:
        """The text of the newest message."""
        return text_of(self.messages[-1]["parts"]) if self.messages else ""


@dataclass(frozen=True, slots=True)
class Asked:
    """The body of a request for an answer, as an AI SDK front end sends it.

    `messages` are all messages that the front end has. `message_id` is the id of the message to
    answer again, or of the user's message to replace, or None.
    """

    conversation: str
    messages: list[Part]
    regenerate: bool
    message_id: str | None
    extra: Mapping[str, Any]


def read_json(text: str | bytes) -> Any:
    """Parse the text of a request. Raises BadRequest."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadRequest(f"The body is not JSON: {error}.") from None


def read_asked(body: Any) -> Asked:
    """Check the body of a request for an answer: `{id, messages, trigger, messageId}`.

    The body is what `DefaultChatTransport` of npm `ai` posts, and what a `send` frame of its
    `WebSocketChatTransport` has. Raises BadRequest and TooLarge.
    """
    if not isinstance(body, dict):
        raise BadRequest('The body is not a JSON object. Send {"id": "…", "messages": […]}.')
    key = read_key(body.get("id"), "id")
    trigger = body.get("trigger", "submit-message")
    if trigger not in TRIGGERS:
        raise BadRequest(f'"trigger" is not valid. Use one of {", ".join(TRIGGERS)}.')
    message_id = body.get("messageId")
    if message_id is not None:
        message_id = read_key(message_id, "messageId")
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages:
        raise BadRequest('"messages" is not a list of messages. Send at least the new message.')
    checked = [_message(each, number) for number, each in enumerate(messages)]
    known = {"id", "messages", "trigger", "messageId", "type", "requestId", "headers", "metadata"}
    extra = {name: value for name, value in body.items() if name not in known}
    return Asked(key, checked, trigger == "regenerate-message", message_id, extra)


def read_key(value: Any, name: str) -> str:
    """Check the id of a conversation or of a message. Raises BadRequest."""
    if not isinstance(value, str) or not 0 < len(value) <= KEY_LENGTH or not value.isprintable():
        raise BadRequest(f'"{name}" is not valid. Use a text of 1 to {KEY_LENGTH} characters.')
    return value


def check_question(message: Part) -> None:
    """Raise BadRequest unless the message can be the newest one of a conversation."""
    if message["role"] != "user":
        raise BadRequest("The last message is not the user's. Send the question last.")
    only_text = all(part["type"] == "text" for part in message["parts"])
    if only_text and not text_of(message["parts"]).strip():
        raise BadRequest("The message is empty. Write a question.")


def check_length(message: Part) -> None:
    """Raise TooLarge if a message is longer than CHAT_MAX_LENGTH."""
    length = len(json.dumps(message["parts"], ensure_ascii=False))
    if length > (most := setting("CHAT_MAX_LENGTH")):
        raise TooLarge(f"A message has {length} characters. Send at most {most}.")


def _message(message: Any, number: int) -> Part:
    where = f'"messages"[{number}]'
    if not isinstance(message, dict):
        raise BadRequest(f"{where} is not an object.")
    if message.get("role") not in ROLES:
        raise BadRequest(f'{where} has a "role" that is not one of {", ".join(ROLES)}.')
    parts = message.get("parts")
    if not isinstance(parts, list) or not all(
        isinstance(part, dict) and isinstance(part.get("type"), str) for part in parts
    ):
        raise BadRequest(f'{where} has no list of "parts", each an object with a "type".')
    for part in parts:
        if part["type"] == "text" and not isinstance(part.get("text"), str):
            raise BadRequest(f'{where} has a text part without a "text".')
    # PostgreSQL stores neither half of a surrogate pair nor a NUL.
    try:
        json.dumps(parts, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise BadRequest(f"{where} has half of a surrogate pair, which is no character.") from None
    if without_nul(parts) != parts:
        raise BadRequest(f"{where} has a NUL character. Leave it out.")
    return {"id": read_key(message.get("id"), "id"), "role": message["role"], "parts": parts}
