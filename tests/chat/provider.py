"""A provider with the OpenAI API whose answers a test decides, and a real model.

The tests run a real model where the answer does not matter. The scripted provider is for what a
real one does only now and then: failing, hanging, and calling a tool.
"""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.ports import HOST


class Provider:
    """A server at `url` that answers chat completions with `answers`, one after the other.

    An answer is a function of the request handler. `requests` are the bodies that came, and `left`
    is set when a client has disconnected before the end of an answer.
    """

    def __init__(self) -> None:
        self.answers: list[Any] = []
        self.requests: list[dict[str, Any]] = []
        self.left = threading.Event()
        provider = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                provider.requests.append(json.loads(body))
                self.close_connection = True
                provider.answers.pop(0)(self)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer((HOST, 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://{HOST}:{self._server.server_port}/v1"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    # The answers.

    def say(self, *texts: str) -> None:
        self.answers.append(lambda handler: stream(handler, [delta(content=t) for t in texts]))

    def think(self, thought: str, text: str) -> None:
        deltas = [delta(reasoning_content=thought), delta(content=text)]
        self.answers.append(lambda handler: stream(handler, deltas))

    def call(self, tool: str, arguments: str) -> None:
        call = {"index": 0, "id": "c1", "function": {"name": tool, "arguments": arguments}}
        deltas = [delta(tool_calls=[call])]
        self.answers.append(lambda handler: stream(handler, deltas, reason="tool_calls"))

    def refuse(self, status: int) -> None:
        def answer(handler: BaseHTTPRequestHandler) -> None:
            body = b'{"error": {"message": "secret key sk-123", "type": "x", "code": null}}'
            handler.send_response(status)
            handler.send_header("Content-Type", "application/json")
            handler.send_header("Content-Length", str(len(body)))
            handler.end_headers()
            handler.wfile.write(body)

        # The library repeats a request that may succeed the next time.
        self.answers += [answer] * 5

    def rubbish(self) -> None:
        def answer(handler: BaseHTTPRequestHandler) -> None:
            begin(handler)
            write(handler, b"data: {this is no JSON\n\n")

        self.answers += [answer] * 5

    def break_off(self, text: str) -> None:
        def answer(handler: BaseHTTPRequestHandler) -> None:
            begin(handler)
            send(handler, delta(content=text))
            handler.connection.close()

        self.answers.append(answer)

    def hang_after(self, text: str) -> None:
        def answer(handler: BaseHTTPRequestHandler) -> None:
            begin(handler)
            send(handler, delta(content=text))
            handler.connection.recv(1)  # Returns when the client leaves.
            self.left.set()

        self.answers.append(answer)


def delta(**content: Any) -> dict[str, Any]:
    return {"index": 0, "delta": {"role": "assistant", **content}, "finish_reason": None}


def begin(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.send_header("Content-Type", "text/event-stream")
    handler.send_header("Transfer-Encoding", "chunked")
    handler.end_headers()


def write(handler: BaseHTTPRequestHandler, data: bytes) -> None:
    handler.wfile.write(b"%x\r\n%b\r\n" % (len(data), data))


def send(handler: BaseHTTPRequestHandler, choice: dict[str, Any], **members: Any) -> None:
    chunk = {
        "id": "x",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "scripted",
        "choices": [choice],
        **members,
    }
    write(handler, f"data: {json.dumps(chunk)}\n\n".encode())


def stream(
    handler: BaseHTTPRequestHandler, deltas: list[dict[str, Any]], reason: str = "stop"
) -> None:
    begin(handler)
    for each in deltas:
        send(handler, each)
    usage = {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18}
    last = {"index": 0, "delta": {}, "finish_reason": reason}
    send(handler, last, usage=usage)
    write(handler, b"data: [DONE]\n\n")
    handler.wfile.write(b"0\r\n\r\n")


@contextmanager
def running_provider() -> Iterator[Provider]:
    provider = Provider()
    try:
        yield provider
    finally:
        provider.close()
