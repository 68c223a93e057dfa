"""The files of streamsite/deploy that need root or a container engine, as far as a test can go.

systemd, Docker and Compose don't run here. Their own tools read the files, and the commands in the
files run without them. The nginx configuration runs in test_deployment.py.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

from tests.ports import HOST, free_port
from tests.site import ROOT, environment
from tests.waiting import PATIENCE, wait_until

from .deployment import FOLDER, replaced, variables

BIN = Path(sys.executable).parent
DOCKERFILE = (FOLDER / "Dockerfile").read_text()
COMPOSE = yaml.safe_load((FOLDER / "compose.yaml").read_text())


def tool(name: str) -> str:
    """Return the path of a program, or skip the test."""
    if found := shutil.which(name, path=f"{BIN}:{os.environ['PATH']}"):
        return found
    pytest.skip(f"There is no {name} on the PATH.")


def check(*command: str | Path, **options: object) -> str:
    """Run a command, which must say nothing wrong, and return its output."""
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=PATIENCE, check=False, **options
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stdout + done.stderr
    return done.stdout


def lines(instruction: str) -> list[str]:
    """Return the arguments of each line of the Dockerfile with this instruction."""
    return re.findall(rf"^\s*{instruction} (.+)$", DOCKERFILE, re.MULTILINE)


def test_systemd_understands_the_units(tmp_path: Path):
    for path in (FOLDER / "systemd").iterdir():
        text = path.read_text()
        # The programs of the units must exist.
        (tmp_path / path.name).write_text(text.replace("/srv/streamsite/.venv/bin", str(BIN)))
    units = ("streamsite@8001.service", "streamsite-migrate.service", "streamsite.target")
    check(
        *(tool("systemd-analyze"), "verify", *(tmp_path / unit for unit in units)),
        env={**os.environ, "SYSTEMD_UNIT_PATH": f"{tmp_path}:"},
    )


def test_a_linter_finds_nothing_in_the_dockerfile():
    check(tool("hadolint"), FOLDER / "Dockerfile")


def test_compose_understands_its_file(tmp_path: Path):
    secrets = {"DOMAIN": "example.com", "SECRET_KEY": "x", "POSTGRES_PASSWORD": "y"}
    command = [tool("docker-compose"), "-f", str(FOLDER / "compose.yaml"), "config", "--quiet"]
    check(*command, env={"PATH": os.environ["PATH"], **secrets})


def test_all_files_say_the_same():
    # The settings.
    container = COMPOSE["x-streamsite"]["environment"]
    assert set(container) - {"SECRET_KEY"} == set(variables())
    # The processes that nginx asks are those that run.
    target = (FOLDER / "systemd" / "streamsite.target").read_text()
    processes = (FOLDER / "nginx" / "processes.conf").read_text()
    containers = (FOLDER / "nginx" / "containers.conf").read_text()
    assert re.findall(r"@(\d+)\.service", target) == re.findall(r"127\.0\.0\.1:(\d+)", processes)
    for name, port in re.findall(r"server (\S+):(\d+)", containers):
        assert name in COMPOSE["services"]
        assert port in lines("EXPOSE")
    # The server's command.
    unit = (FOLDER / "systemd" / "streamsite@.service").read_text()
    (started,) = re.findall(r"^ExecStart=\S+/(daphne .+)$", unit, re.MULTILINE)
    contained = " ".join(json.loads(lines("CMD")[-1]))
    same = {"tcp:8000": "tcp:%i", "interface=0.0.0.0": "interface=127.0.0.1"}
    assert replaced(contained, **same) == started


def test_the_dockerfile_installs_extras_that_exist():
    extras = re.search(r"-e '\.\[(.+)\]'", DOCKERFILE)[1].split(",")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert set(extras) <= set(project["optional-dependencies"])


@pytest.fixture
def image(tmp_path: Path, long: bool) -> tuple[Path, Path]:
    """Return the folder of an image with what the Dockerfile copies, and its Python's programs.

    The long form installs what the Dockerfile installs. The short form has what the tests have.
    """
    folder = tmp_path / "image"
    folder.mkdir()
    for copied in lines("COPY"):
        *sources, target = [word for word in copied.split() if not word.startswith("--")]
        for source in sources:
            if (ROOT / source).is_dir():
                ignored = shutil.ignore_patterns("__pycache__")
                shutil.copytree(ROOT / source, folder / target, ignore=ignored)
            else:
                shutil.copy(ROOT / source, folder / target)
    programs = BIN
    if long:
        programs = tmp_path / "venv" / "bin"
        subprocess.run([sys.executable, "-m", "venv", programs.parent], check=True)
        (install,) = (line for line in lines("RUN") if line.startswith("pip install"))
        subprocess.run(f"{programs}/{install}", shell=True, cwd=folder, check=True)
    return folder, programs


def test_the_image_has_all_that_the_site_needs(image: tuple[Path, Path], tmp_path: Path):
    folder, programs = image
    port = free_port()
    command = json.loads(lines("CMD")[-1])
    command[2] = command[2].replace("tcp:8000", f"tcp:{port}").replace("0.0.0.0", HOST)
    probe = [part.replace(":8000", f":{port}") for part in json.loads(lines("CMD")[0])]
    # In place of VAR_DIR in the image.
    env = environment({"VAR_DIR": str(tmp_path / "var"), "PATH": f"{programs}:/usr/bin:/bin"})
    with (tmp_path / "log").open("wb") as log:
        server = subprocess.Popen(
            [programs / command[0], *command[1:]], cwd=folder, env=env, stdout=log, stderr=log
        )
        try:
            wait_until(
                lambda: (
                    server.poll() is not None
                    or not subprocess.run(
                        [programs / probe[0], *probe[1:]],
                        cwd=folder,
                        capture_output=True,
                        check=False,
                    ).returncode
                ),
                "the image's health check succeeds",
            )
            assert server.poll() is None, (tmp_path / "log").read_text()
        finally:
            server.terminate()
            assert server.wait(PATIENCE) == 0, (tmp_path / "log").read_text()
