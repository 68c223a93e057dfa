"""The guide's chat: a project made of the guide's files alone, with both of its front ends."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest
from playwright.async_api import Page, expect

from tests.browser import chromium, delay_answer, page_at
from tests.engine.project import append, new_project, served
from tests.guide import blocks
from tests.site import environment
from tests.waiting import PATIENCE, wait_until

from .front import Front, text_of
from .provider import running_provider
from .test_front_ends import JS, front_end_problem

BLOCKS = [block for block in blocks() if block.topic == "chat" and block.file]
# The template comes twice: first for plain JavaScript, then for useChat.
TEMPLATE = "shop/templates/chat.html"
PLAIN_TEMPLATE, REACT_TEMPLATE = (block.code for block in BLOCKS if block.file == TEMPLATE)
FILES = {block.file: block.code for block in BLOCKS} | {TEMPLATE: PLAIN_TEMPLATE}
# What the front ends have in common, and what each has of its own.
PROJECT = [FILES[name] for name in ("shop/settings.py", "shop/asgi.py", "shop/urls.py")]
PLAIN = [PLAIN_TEMPLATE, FILES["shop/static/chat.js"]]
REACT = [REACT_TEMPLATE, FILES["chat.jsx"]]
MOST_LINES = 60


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a project made of the topic's files, with the page in JavaScript."""
    files = {name: text for name, text in FILES.items() if name.startswith("shop/")}
    files["shop/settings.py"] += "VAR_DIR = BASE_DIR\n"  # For tests.inside.chatter.
    return new_project(tmp_path_factory.mktemp("chat"), files)


@contextmanager
def serving(project: Path, source: str, **variables: str) -> Iterator[SimpleNamespace]:
    """Serve the project with a source, and yield an object with the `url`."""
    environ = f"import os\nos.environ.update({variables!r})\n"
    append(project / "shop/settings.py", environ, f"CHAT_SOURCE = {source!r}\n")
    with served(project, "runserver") as (address, _pid):
        yield SimpleNamespace(url="http://{}:{}".format(*address))


def bundle(project: Path) -> None:
    """Put the page with useChat in place of the page in JavaScript."""
    if problem := front_end_problem():
        if "REQUIRE_FRONT_END" in os.environ:
            pytest.fail(problem)
        pytest.skip(problem)
    (project / TEMPLATE).write_text(REACT_TEMPLATE)
    (project / "chat.jsx").write_text(FILES["chat.jsx"])
    options = ["--bundle", "--format=esm", "--jsx=automatic", "--outfile=shop/static/chat.js"]
    subprocess.run(
        [JS / "node_modules/.bin/esbuild", "chat.jsx", *options, "--allow-overwrite"],
        cwd=project,
        env=environment({"NODE_PATH": str(JS / "node_modules")}),
        capture_output=True,
        timeout=PATIENCE,
        check=True,
    )


@pytest.mark.parametrize("page", [PLAIN, REACT], ids=["plain", "react"])
def test_the_chat_takes_fewer_than_60_lines(page: list[str]):
    lines = "".join(PROJECT + page).splitlines()
    assert len([line for line in lines if line.strip()]) < MOST_LINES


async def ask(page: Page, question: str) -> None:
    await page.get_by_label("Question").fill(question)
    await page.get_by_role("button", name="Ask").click()


async def shows(page: Page, *texts: str) -> None:
    lines = page.get_by_role("log").locator("p")
    await expect(lines).to_have_text(list(texts))


async def answered(page: Page, *texts: str) -> None:
    """Wait until the last answer has ended: a question before its end would be refused."""
    await shows(page, *texts)
    await expect(page.get_by_role("log")).not_to_have_attribute("aria-busy", "true")


async def test_a_question_stays_on_the_page_although_the_history_comes_late(
    project: Path, tmp_path: Path
):
    folder = tmp_path / "project"
    shutil.copytree(project, folder)
    with serving(folder, "tests.inside.chatter.answer") as site:
        async with chromium() as browser, page_at(browser, site.url, calm=False) as page:
            fetched, let_go = await delay_answer(page, "**/chat/conversations/*")
            await page.reload()
            await fetched.wait()
            await ask(page, "count 3")
            await answered(page, "count 3", "0 1 2 ")
            async with page.expect_response("**/chat/conversations/*") as late:
                let_go.set()
            await (await late.value).finished()
            # The page has the history before this answer.
            await page.evaluate("fetch('/chat/conversations/none')")
            await shows(page, "count 3", "0 1 2 ")


@pytest.mark.parametrize("front_end", ["plain", "react"])
async def test_the_page_streams_resumes_and_stops(project: Path, tmp_path: Path, front_end: str):
    folder = tmp_path / "project"
    shutil.copytree(project, folder)
    if front_end == "react":
        bundle(folder)

    with serving(folder, "tests.inside.chatter.answer") as site:
        # The console has a 404: there is no icon, and no conversation before the first question.
        async with chromium() as browser, page_at(browser, site.url, calm=False) as page:
            await ask(page, "count 3")
            await answered(page, "count 3", "0 1 2 ")
            await ask(page, "hang")
            await shows(page, "count 3", "0 1 2 ", "hang", "waiting ")
            await page.reload()
            await shows(page, "count 3", "0 1 2 ", "hang", "waiting ")
            key = await page.evaluate("localStorage.chat")
            await page.get_by_role("button", name="Stop").click()
            await expect(page.get_by_role("log")).to_have_attribute("aria-busy", "false")
            wait_until((folder / f"cancelled-{key}").exists, "the source is cancelled")
            await page.reload()
            before = ["count 3", "0 1 2 ", "hang", "waiting "]
            await answered(page, *before)
            await ask(page, "count 1")
            await answered(page, *before, "count 1", "0 ")
            await ask(page, "fail The oven is cold.")
            await expect(page.get_by_role("log")).to_contain_text("The oven is cold.")


def test_a_source_of_the_project_answers(project: Path, opened: ExitStack):
    with serving(project, "shop.answers.answer") as site:
        front = Front(site, opened)
        parts = front.ask("own", "why")
        assert text_of(parts) == "You asked: why"
        assert {"type": "reasoning-delta", "id": "r", "delta": "A simple question."} in parts
        failed = front.ask("own", "the weather")[-1]
        told = "The weather service does not answer."
        assert failed == {"type": "error", "errorText": told}


def test_an_agent_of_the_project_calls_its_tool(project: Path, opened: ExitStack):
    with running_provider() as provider:
        provider.call("order_state", '{"number": 7}')
        provider.say("It is ", "on its way.")
        variables = {"OPENAI_BASE_URL": provider.url, "OPENAI_API_KEY": "none"}
        with serving(project, "shop.agents.answer", **variables) as site:
            parts = Front(site, opened).ask("agent", "Where is order 7?")
    outputs = [part["output"] for part in parts if part["type"] == "tool-output-available"]
    assert outputs == ["Order 7 is on its way."]
    assert text_of(parts) == "It is on its way."
