"""Publish as standard input says, one JSON object for each line: `python -m tests.engine.source`.

    {"name": "a", "do": "open", "form": "async", "options": {}}
    {"name": "a", "do": "write", "texts": ["…"], "pause": 0.001}
    {"name": "a", "do": "end"}    or    {"name": "a", "do": "fail", "reason": "…"}
    {"name": "b", "do": "call", "function": "tests.inside.streams:count", "arguments": []}

Each outcome is printed as a JSON object, and so is the end of a stream that ends by itself.
"""

import asyncio
import json
import queue
import sys
import threading
import time
from pkgutil import resolve_name
from typing import Any

import django

Step = dict[str, Any]


class Failure(Exception):
    """The error of a source that was told to fail."""


def tell(name: str, event: str, **facts: Any) -> None:
    # One call of write for each line, so that the lines of two threads don't mix.
    sys.stdout.write(json.dumps({"name": name, "event": event, **facts}) + "\n")
    sys.stdout.flush()


def user(pk: int) -> Any:
    """Return an unsaved user, because `publish` needs only the primary key."""
    from django.contrib.auth import get_user_model

    return get_user_model()(pk=pk)


def call(name: str, function: str, arguments: list[Any]) -> None:
    """Call a function of `tests.inside`, and tell what it returns."""
    from django.db import connection

    try:
        tell(name, "returned", result=resolve_name(function)(*arguments))
    except Exception as error:  # noqa: BLE001 - reported to the test
        tell(name, "raised", error=type(error).__name__, detail=str(error))
    finally:
        connection.close()


def in_thread(work: Any, *arguments: Any) -> None:
    threading.Thread(target=work, args=arguments, daemon=True).start()


async def run(name: str, steps: "asyncio.Queue[Step]", options: dict[str, Any]) -> None:
    """Publish in the event loop, step by step."""
    from streamsite.streams import publish

    raised = ""
    try:
        async with publish(name, **options) as stream:
            tell(name, "opened", n=stream.n)
            try:
                while (step := await steps.get())["do"] == "write":
                    for text in step["texts"]:
                        await stream.write(text)
                        if step["pause"]:
                            await asyncio.sleep(step["pause"])
                    await stream.flush()
                    tell(name, "written", n=stream.n)
                if step["do"] == "fail":
                    raise Failure(step["reason"])
            except BaseException as error:
                raised = type(error).__name__
                raise
        tell(name, "left", raised=raised, stopped=stream.stopped)
    except Exception as error:  # noqa: BLE001 - reported to the test
        tell(name, "raised", error=type(error).__name__, detail=str(error))


def run_here(name: str, steps: "queue.Queue[Step]", options: dict[str, Any]) -> None:
    """Publish in a thread without an event loop, step by step."""
    from streamsite.streams import publish

    raised = ""
    try:
        with publish(name, **options) as stream:
            tell(name, "opened", n=stream.n)
            try:
                while (step := steps.get())["do"] == "write":
                    for text in step["texts"]:
                        stream.write(text)
                        if step["pause"]:
                            time.sleep(step["pause"])
                    stream.flush()
                    tell(name, "written", n=stream.n)
                if step["do"] == "fail":
                    raise Failure(step["reason"])
            except BaseException as error:
                raised = type(error).__name__
                raise
        tell(name, "left", raised=raised, stopped=stream.stopped)
    except Exception as error:  # noqa: BLE001 - reported to the test
        tell(name, "raised", error=type(error).__name__, detail=str(error))


async def main() -> None:
    loop = asyncio.get_running_loop()
    tasks: set[asyncio.Task[None]] = set()
    steps: dict[str, Any] = {}
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        step = json.loads(line)
        name = step["name"]
        if step["do"] == "call":
            in_thread(call, name, step["function"], step["arguments"])
        elif step["do"] != "open":
            steps[name].put_nowait(step)
        else:
            options = step["options"]
            if "owner" in options:
                options["owner"] = user(options["owner"])
            if step["form"] == "sync":
                steps[name] = queue.Queue()
                in_thread(run_here, name, steps[name], options)
            else:
                steps[name] = asyncio.Queue()
                tasks.add(asyncio.create_task(run(name, steps[name], options)))


if __name__ == "__main__":
    django.setup()
    asyncio.run(main())
