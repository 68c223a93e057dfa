"""A front end of the chat: what `DefaultChatTransport` of npm `ai` sends, in Python."""

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import httpx

from tests.ports import HOST
from tests.site import Server, Site
from tests.waiting import PATIENCE

Part = dict[str, Any]


class Answer:
    """An answer that comes over one connection."""

    def __init__(self, response: httpx.Response) -> None:
        self.response = response
        self._events = self._read()

    def _read(self) -> Iterator[str]:
        for line in self.response.iter_lines():
            if line.startswith("data: "):
                yield line.removeprefix("data: ")

    def next(self) -> Part:
        """Return the next part."""
        return json.loads(next(self._events))  # type: ignore[no-any-return]

    def until(self, delta: str) -> list[Part]:
        """Return the parts up to the text `delta`."""
        parts = [self.next()]
        while parts[-1].get("delta") != delta:
            parts.append(self.next())
        return parts

    def rest(self) -> list[Part]:
        """Return all parts that are left. The answer has to end with [DONE]."""
        *parts, done = self._events
        assert done == "[DONE]"
        return [json.loads(part) for part in parts]


class Front:
    """One browser: its cookies, and the conversations that it has."""

    def __init__(self, server: Server | Site, stack: ExitStack) -> None:
        self._stack = stack
        english = {"Accept-Language": "en"}
        self.client = stack.enter_context(
            httpx.Client(base_url=server.url, headers=english, timeout=PATIENCE)
        )
        self._messages = 0

    def at(self, server: Server | Site) -> "Front":
        """Return the same browser at another process of the site."""
        other = self.stranger(server)
        other.client.cookies = self.client.cookies.jar  # Shared, and not a copy.
        return other

    def stranger(self, server: Server | Site) -> "Front":
        """Return another browser."""
        return Front(server, self._stack)

    def user_message(self, text: str) -> Part:
        self._messages += 1
        part = {"type": "text", "text": text}
        return {"id": f"m{self._messages}-{id(self)}", "role": "user", "parts": [part]}

    def body(self, conversation: str, text: str, **members: Any) -> Part:
        message = self.user_message(text)
        return {
            "id": conversation,
            "messages": [message],
            "trigger": "submit-message",
            **members,
        }

    @contextmanager
    def asking(self, conversation: str, text: str, **members: Any) -> Iterator[Answer]:
        """Ask a question, and yield the answer while it comes. Leaving the block disconnects."""
        body = self.body(conversation, text, **members)
        with self.client.stream("POST", "/chat/api", json=body) as response:
            assert response.status_code == 200, response.read()
            yield Answer(response)

    def ask(self, conversation: str, text: str, **members: Any) -> list[Part]:
        """Ask a question, and return all parts of the answer."""
        with self.asking(conversation, text, **members) as answer:
            return answer.rest()

    def post(self, body: Any, **headers: str) -> httpx.Response:
        """Send a body as it is, and return the response."""
        content = body if isinstance(body, str | bytes) else json.dumps(body)
        head = {"Content-Type": "application/json", **headers}
        return self.client.post("/chat/api", content=content, headers=head)

    @contextmanager
    def resuming(self, conversation: str) -> Iterator[Answer]:
        with self.client.stream("GET", f"/chat/api/{conversation}/stream") as response:
            assert response.status_code == 200, response.read()
            yield Answer(response)

    def stop(self, conversation: str) -> bool:
        """Stop the answer. Return whether there was one."""
        response = self.client.post(f"/chat/api/{conversation}/stop")
        assert response.status_code == 202, response.text
        return bool(response.json()["stopped"])

    def get(self, path: str) -> httpx.Response:
        return self.client.get(path)

    def conversation(self, key: str) -> dict[str, Any]:
        response = self.client.get(f"/chat/conversations/{key}")
        assert response.status_code == 200, response.text
        return response.json()  # type: ignore[no-any-return]


def text_of(parts: list[Part]) -> str:
    """Return the text of an answer's parts."""
    return "".join(part["delta"] for part in parts if part["type"] == "text-delta")


def websocket_url(server: Server | Site) -> str:
    return f"ws://{HOST}:{server.address[1]}/chat/ws"
