"""The chat with the real front end: npm `ai` and `@ai-sdk/react`, on Node."""

import os
import shutil
import subprocess

import pytest

from tests.site import ROOT, Site, SiteMaker, environment
from tests.valkey import Valkey
from tests.waiting import PATIENCE

JS = ROOT / "tests" / "js"


def front_end_problem() -> str:
    """Return what is missing to run the front end, or "" if it can run."""
    if not shutil.which("node"):
        return "Node is not installed"
    if not (JS / "node_modules" / "ai").is_dir():
        return "npm install --prefix tests/js has not run"
    return ""


pytestmark = pytest.mark.skipif(
    bool(front_end_problem()) and "REQUIRE_FRONT_END" not in os.environ, reason=front_end_problem()
)


def node(script: str, site: Site, **env: str) -> list[str]:
    first, second = site.servers[0], site.servers[-1]
    variables = {"FIRST": first.url, "SECOND": second.url, **env}
    words = [f"{name}={value}" for name, value in variables.items()]
    program = ["node", "--experimental-websocket", "--disable-warning=ExperimentalWarning"]
    return ["env", *words, *program, str(JS / "chat" / script)]


@pytest.fixture(scope="module")
def two_servers(make_shared_site: SiteMaker, tmp_path_factory: pytest.TempPathFactory):
    valkey = Valkey(tmp_path_factory.mktemp("valkey")).start()
    yield make_shared_site(
        servers=("daphne", "daphne"),
        REDIS_URL=valkey.url,
        CHAT_SOURCE="tests.inside.chatter.answer",
        CHAT_MAX_ANSWERS="10",
    ).start()
    valkey.stop()


@pytest.mark.parametrize("transport", ["sse", "websocket", "text"])
def test_the_real_front_end_asks_resumes_and_stops(two_servers: Site, transport: str):
    run = subprocess.run(
        node("front-ends.mjs", two_servers, TRANSPORT=transport),
        cwd=ROOT,
        env=environment({}),
        capture_output=True,
        text=True,
        timeout=160,
        check=False,
    )
    assert run.returncode == 0, run.stdout[-6000:] + run.stderr[-2000:]


def test_the_real_front_end_goes_on_when_its_server_is_killed(valkey: Valkey, make_site: SiteMaker):
    site = make_site(
        servers=("daphne", "daphne"),
        REDIS_URL=valkey.url,
        CHAT_SOURCE="tests.inside.chatter.answer",
    ).start()
    first = site.server
    process = subprocess.Popen(
        node("killed.mjs", site),
        cwd=ROOT,
        env=environment({}),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    with process.stdout:
        assert process.stdout.readline() == "answering\n"
        first.kill()
        told = process.stdout.read()
        assert process.wait(PATIENCE) == 0, told
