"""A new Django project, as a reader of the README or of the guide makes it."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.ports import HOST, free_port
from tests.process import family
from tests.raw import http
from tests.site import ROOT, call_command, environment, server_command
from tests.waiting import PATIENCE, wait_until


def new_project(folder: Path, files: Mapping[str, str]) -> Path:
    """Make the project `shop` in a folder, add a text to each of these files, and migrate.

    The text for `shop/asgi.py` replaces the last line of the file.
    """
    run(folder, "-m", "django", "startproject", "shop", ".")
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        if name == "shop/asgi.py":
            line = "application = get_asgi_application()\n"
            path.write_text(path.read_text().replace(line, text))
        else:
            append(path, text)
    run(folder, "manage.py", "migrate", "--verbosity", "0")
    return folder


def append(path: Path, *parts: str) -> None:
    with path.open("a") as file:
        file.writelines(parts)


def run(folder: Path, *arguments: str) -> str:
    """Run Python in the project's folder, and return its output."""
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env=variables(),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def call(folder: Path, function: Callable[..., Any], *arguments: Any) -> Any:
    """Call a function of `tests.inside` in a process of the project, and return its result.

    The function may print, too.
    """
    _python, *command = call_command(function, *arguments)
    return json.loads(run(folder, *command).splitlines()[-1])


def variables() -> dict[str, str]:
    return environment({"PYTHONPATH": str(ROOT), "DJANGO_SETTINGS_MODULE": "shop.settings"})


@contextmanager
def served(project: Path, on: str, *options: str) -> Iterator[tuple[tuple[str, int], int]]:
    """Serve the project. Yield the address and the id of the process that answers requests.

    `options` are more options of the server.
    """
    address = HOST, free_port()
    log = project / f"{on}.log"
    with log.open("wb") as output:
        server = subprocess.Popen(
            [sys.executable, "manage.py", "runserver", "--noreload", "{}:{}".format(*address)]
            if on == "runserver"
            else server_command(on, address[1], "shop.asgi:application", *options),
            cwd=project,
            env=variables(),
            stdout=output,
            stderr=output,
        )
    try:
        wait_until(lambda: answers(address) or server.poll() is not None, "the project is served")
        assert server.poll() is None, log.read_text()
        yield address, family(server.pid)[-1]
    finally:
        server.terminate()
        server.wait(PATIENCE)
        assert "Traceback" not in log.read_text(), log.read_text()


def answers(address: tuple[str, int]) -> bool:
    try:
        return http.get(address, "/").status != 0
    except OSError:
        return False
