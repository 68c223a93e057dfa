"""What `pip install` brings, and a new project on nothing but that."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest

from .engine.reading import TRANSPORTS, Reader
from .ports import HOST, free_port
from .raw import http
from .site import ROOT, environment
from .waiting import PATIENCE, wait_until

# What a new project changes: in settings.py, in urls.py and in asgi.py.
INSTALLED = """
INSTALLED_APPS += ["streamsite.streams"]
DATABASES["default"]["OPTIONS"] = {"transaction_mode": "IMMEDIATE"}
"""
MOUNTED = 'urlpatterns += [path("stream/", include("streamsite.streams.urls"))]\n'
SERVED = "application = streams_application(get_asgi_application())\n"

LINES = ["one\n", "zwei 🦊\n", "三\n"]


def pip(python: str | Path, *arguments: str) -> None:
    """Run pip. Without a package index, skip the test, or fail it with REQUIRE_INDEX=1."""
    command = [python, "-m", "pip", "--disable-pip-version-check", "-q", *arguments]
    done = subprocess.run(
        command, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False
    )
    if done.returncode and os.environ.get("REQUIRE_INDEX") != "1":
        for sign in ("No matching distribution found", "Could not find a version"):
            if sign in done.stderr:
                pytest.skip("pip finds no package index")
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the wheel of this project."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    source.mkdir()
    # A copy, because a build leaves files behind.
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    for name in ("streamsite", "demos", "tests"):
        ignored = shutil.ignore_patterns("__pycache__", "node_modules")
        shutil.copytree(ROOT / name, source / name, ignore=ignored)
    pip(sys.executable, "wheel", "--no-deps", "--wheel-dir", str(folder), str(source))
    (built,) = folder.glob("*.whl")
    return built


def test_the_wheel_has_the_package_streamsite_and_nothing_else(wheel: Path):
    names = {name for name in ZipFile(wheel).namelist() if ".dist-info/" not in name}
    files = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "streamsite").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert names == files
    assert "streamsite/py.typed" in names


class Project:
    """A new Django project, in a virtual environment with the bare install."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.bin = folder / ".venv" / "bin"
        self.env = environment({"DJANGO_SETTINGS_MODULE": "shop.settings"})

    def run(self, *command: str, **options: Any) -> subprocess.CompletedProcess[str]:
        """Run a program of the virtual environment in the project's folder."""
        program, *arguments = command
        settings = {"cwd": self.folder, "env": self.env, "timeout": PATIENCE, "check": False}
        return subprocess.run(
            [self.bin / program, *arguments],
            capture_output=True,
            text=True,
            **{**settings, **options},
        )

    def manage(self, *arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
        return self.run("python", "manage.py", *arguments, **options)


@pytest.fixture(scope="module")
def project(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Return a new project that has adopted the engine, and its database."""
    project = Project(tmp_path_factory.mktemp("shop"))
    subprocess.run([sys.executable, "-m", "venv", project.folder / ".venv"], check=True)
    pip(project.bin / "python", "install", str(wheel))
    assert project.run("django-admin", "startproject", "shop", ".", env={}).returncode == 0
    shop = project.folder / "shop"
    with (shop / "settings.py").open("a") as settings:
        settings.write(INSTALLED)
    with (shop / "urls.py").open("a") as urls:
        urls.write(f"from django.urls import include\n{MOUNTED}")
    asgi = (shop / "asgi.py").read_text()
    imported = "from streamsite.streams.asgi import streams_application\n"
    replaced = asgi.replace("application = get_asgi_application()\n", SERVED)
    (shop / "asgi.py").write_text(imported + replaced)
    assert project.manage("migrate", "--verbosity", "0").returncode == 0
    return project


@pytest.fixture
def address(project: Project) -> Iterator[tuple[str, int]]:
    """Yield the address at which daphne serves the project."""
    address = HOST, free_port()
    command = ["daphne", "-b", HOST, "-p", str(address[1]), "shop.asgi:application"]
    log = project.folder / "daphne.log"
    with log.open("wb") as output:
        server = subprocess.Popen(
            [project.bin / command[0], *command[1:]],
            cwd=project.folder,
            env=project.env,
            stdout=output,
            stderr=output,
        )
    try:
        wait_until(lambda: answers(address) or server.poll() is not None, "daphne answers")
        yield address
    finally:
        server.terminate()
        status = server.wait(PATIENCE)
        assert (status, "Traceback" in log.read_text()) == (0, False), log.read_text()


def answers(address: tuple[str, int]) -> bool:
    try:
        return http.get(address, "/").status != 0
    except OSError:
        return False


def test_a_new_project_passes_the_checks(project: Project):
    done = project.manage("check", "--fail-level", "WARNING")
    assert done.returncode == 0, done.stderr


def test_a_new_project_streams_over_every_transport(project: Project, address: tuple[str, int]):
    published = project.manage("publish", "build", input="".join(LINES))
    assert published.returncode == 0, published.stderr
    for transport in TRANSPORTS:
        reader = Reader("build").read(transport, address)
        assert (reader.texts, reader.state) == (LINES, "done")
    followed = project.manage("follow", "build")
    assert (followed.stdout, followed.returncode) == ("".join(LINES), 0)


def test_following_an_address_says_which_extra_is_missing(project: Project):
    done = project.manage("follow", "http://localhost/stream/build")
    assert done.returncode == 1
    assert 'the extra "client"' in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "command",
    ["daphne streamsite.asgi:application", "django-admin check --settings streamsite.settings"],
)
def test_the_site_says_that_it_runs_from_a_checkout(project: Project, command: str):
    done = project.run(*command.split(), env=environment({}))
    assert done.returncode == 1
    assert done.stderr.startswith("streamsite.settings are the settings of the article's site")
    assert done.stderr.count("\n") == 1


def test_the_site_says_which_extra_is_missing(project: Project):
    done = project.run("python", "manage.py", "check", cwd=ROOT, env=environment({}))
    assert done.returncode == 1
    assert done.stderr.startswith("streamsite: ")
    assert ".[site]" in done.stderr
