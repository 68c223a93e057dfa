"""A process of sources, and the handles by which a test tells each source what to do."""

import json
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Mapping
from itertools import count
from typing import Any

from tests.inside import name_of
from tests.site import ROOT, environment
from tests.waiting import PATIENCE

Events = queue.Queue[dict[str, Any]]

_numbers = count(1)


def new_name(of: str = "stream") -> str:
    """Return a name that no other test uses."""
    return f"{of}-{next(_numbers)}"


class Publisher:
    """The process of `tests.engine.source`. Its errors go to the test's stderr."""

    def __init__(self, env: Mapping[str, str]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.engine.source"],
            cwd=ROOT,
            env=environment({"DJANGO_SETTINGS_MODULE": "streamsite.settings", **env}),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self._events: dict[str, Events] = {}
        self._listening = threading.Thread(target=self._listen, daemon=True)
        self._listening.start()

    def _listen(self) -> None:
        for line in self._process.stdout:
            event = json.loads(line)
            self._events_of(event["name"]).put(event)

    def _events_of(self, name: str) -> Events:
        # Two threads ask for the same queue. A defaultdict could make two queues.
        return self._events.setdefault(name, queue.Queue())

    def open(self, name: str = "", *, form: str = "async", **options: Any) -> "Source":
        """Open a stream and wait until it exists. `options` are those of `publish`."""
        source = self.launch(name, form=form, **options)
        source.expect("opened")
        return source

    def launch(self, name: str = "", *, form: str = "async", **options: Any) -> "Source":
        """Open a stream without waiting for the outcome."""
        source = Source(self, name or new_name())
        source.tell("open", form=form, options=options)
        return source

    def call(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Call a function of `tests.inside` in the process, and return its result."""
        caller = Source(self, new_name("call"))
        caller.tell("call", function=name_of(function), arguments=arguments)
        return caller.expect("returned")["result"]

    def send(self, step: dict[str, Any]) -> None:
        self._process.stdin.write(json.dumps(step) + "\n")
        self._process.stdin.flush()

    def next_event(self, name: str) -> dict[str, Any]:
        return self._events_of(name).get(timeout=PATIENCE)

    def signal(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def kill(self) -> None:
        """Kill the process, so that no code in it runs any more."""
        self._process.kill()
        self._process.wait(PATIENCE)
        self._listening.join(PATIENCE)
        self._process.stdin.close()
        self._process.stdout.close()


class Source:
    """A handle on one source and its stream."""

    def __init__(self, publisher: Publisher, name: str) -> None:
        self.publisher = publisher
        self.name = name

    def tell(self, what: str, **facts: Any) -> None:
        self.publisher.send({"name": self.name, "do": what, **facts})

    def expect(self, event: str) -> dict[str, Any]:
        """Wait for the source's next event, check its name and return it."""
        happened = self.publisher.next_event(self.name)
        assert happened["event"] == event, happened
        return happened

    def write(self, *texts: str) -> None:
        """Write pieces and wait until they are committed."""
        self.begin(texts)
        self.expect("written")

    def begin(self, texts: Iterable[str], *, pause: float = 0) -> None:
        """Begin to write pieces, with `pause` seconds between two."""
        self.tell("write", texts=list(texts), pause=pause)

    def end(self) -> dict[str, Any]:
        """End the source, so that its stream is done."""
        self.tell("end")
        return self.expect("left")

    def fail(self, reason: str = "out of paper") -> dict[str, Any]:
        """Raise an error in the source, so that its stream fails."""
        self.tell("fail", reason=reason)
        return self.expect("raised")
