"""The parts of an answer, as the AI SDK names them, folded into the message that they make.

The source is `process-ui-message-stream.ts` of npm `ai` 7.0: the front end folds the same parts
into the same message. The module is pure: it knows neither Django nor the engine.
"""

from collections.abc import Iterable
from typing import Any

Part = dict[str, Any]

# The members of an input or output chunk that the message's tool part has, too.
TOOL_MEMBERS = (
    "input",
    "output",
    "errorText",
    "preliminary",
    "providerExecuted",
    "title",
    "toolMetadata",
)
# What makes up a part that is in the message as it came.
WHOLE_PARTS = {
    "file": ("mediaType", "url", "providerMetadata"),
    "reasoning-file": ("mediaType", "url", "providerMetadata"),
    "source-url": ("sourceId", "url", "title", "providerMetadata"),
    "source-document": ("sourceId", "mediaType", "title", "filename", "providerMetadata"),
    "custom": ("kind", "providerMetadata"),
}


class Message:
    """An assistant's message, built from the parts of its answer.

    >>> message = Message()
    >>> for part in [
    ...     {"type": "text-start", "id": "t"},
    ...     {"type": "text-delta", "id": "t", "delta": "Hello"},
    ...     {"type": "text-end", "id": "t"},
    ... ]:
    ...     message.add(part)
    >>> message.parts
    [{'type': 'text', 'text': 'Hello', 'state': 'done'}]

    `metadata` is an object or None.
    """

    def __init__(self, parts: Iterable[Part] = ()) -> None:
        self.parts: list[Part] = []
        self.metadata: Part | None = None
        # The texts that have not ended, by their type and id.
        self._open: dict[tuple[str, str], Part] = {}
        for part in parts:
            self.add(part)

    def add(self, part: Part) -> None:
        """Add the next part of the answer. A part of an unknown type changes nothing."""
        kind = part.get("type", "")
        self._merge(part.get("messageMetadata"))
        name, _, step = kind.rpartition("-")
        if name in ("text", "reasoning"):
            self._add_text(name, step, part)
        elif kind == "start-step":
            self.parts.append({"type": "step-start"})
        elif kind == "finish-step":
            self._open.clear()
        elif kind.startswith("tool-"):
            self._add_tool(kind, part)
        elif kind in WHOLE_PARTS:
            self.parts.append({"type": kind} | _members(part, WHOLE_PARTS[kind]))
        elif kind.startswith("data-") and not part.get("transient"):
            self._add_data(kind, part)

    def settle(self) -> None:
        """Finish what an answer that was cut short has left open."""
        for text in self._open.values():
            text["state"] = "done"
        self._open.clear()

    def _add_text(self, name: str, step: str, part: Part) -> None:
        key = name, part.get("id", "")
        if step == "start":
            text: Part = {"type": name, "text": "", "state": "streaming"}
            self._open[key] = text
            self.parts.append(text)
        elif key in self._open:
            text = self._open[key]
            if step == "delta":
                text["text"] += part.get("delta", "")
            elif step == "end":
                text["state"] = "done"
                text |= _members(part, ("citations",))
                del self._open[key]
        else:
            return
        text |= _members(part, ("providerMetadata",))

    def _add_tool(self, kind: str, part: Part) -> None:
        call = part.get("toolCallId")
        known = next(
            (each for each in reversed(self.parts) if each.get("toolCallId") == call), None
        )
        if known is None:
            if "toolName" not in part:
                return
            name = part["toolName"]
            typed = {"type": "dynamic-tool", "toolName": name}
            known = typed if part.get("dynamic") else {"type": f"tool-{name}"}
            known["toolCallId"] = call
            self.parts.append(known)
        match kind:
            case "tool-input-start":
                known["state"] = "input-streaming"
            case "tool-input-available":
                known["state"] = "input-available"
            case "tool-output-available":
                known["state"] = "output-available"
            case "tool-input-error" | "tool-output-error":
                known["state"] = "output-error"
            case "tool-output-denied":
                known["state"] = "output-denied"
            case "tool-approval-request":
                known["state"] = "approval-requested"
                known["approval"] = {"id": part.get("approvalId")}
        known |= _members(part, TOOL_MEMBERS)
        if metadata := part.get("providerMetadata"):
            output = kind.startswith("tool-output")
            known["resultProviderMetadata" if output else "callProviderMetadata"] = metadata

    def _add_data(self, kind: str, part: Part) -> None:
        new = {"type": kind} | _members(part, ("id", "data"))
        for each in self.parts:
            if "id" in new and each["type"] == kind and each.get("id") == new["id"]:
                each["data"] = new.get("data")
                return
        self.parts.append(new)

    def _merge(self, metadata: Part | None) -> None:
        if isinstance(metadata, dict):
            self.metadata = _merged(self.metadata or {}, metadata)


def _members(part: Part, names: Iterable[str]) -> Part:
    return {name: part[name] for name in names if part.get(name) is not None}


def _merged(old: Part, new: Part) -> Part:
    merged = dict(old)
    for name, value in new.items():
        before = merged.get(name)
        both = isinstance(value, dict) and isinstance(before, dict)
        merged[name] = _merged(before, value) if both else value  # type: ignore[arg-type]
    return merged


def text_of(parts: Iterable[Part]) -> str:
    """Return the texts of a message's text parts, with an empty line between two texts."""
    texts = [part.get("text", "") for part in parts if part.get("type") == "text"]
    return "\n\n".join(filter(None, texts))


def without_nul(value: Any) -> Any:
    """Return a JSON value without NUL characters, which PostgreSQL can't store."""
    match value:
        case str():
            return value.replace("\0", "")
        case list():
            return [without_nul(each) for each in value]
        case dict():
            return {without_nul(key): without_nul(each) for key, each in value.items()}
    return value
