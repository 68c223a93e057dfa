"""The process that serves a visitor is restarted from the lab's page, while another one serves."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from playwright.async_api import Page

from tests.browser import delay_answer, page_at
from tests.nginx import Certificate, Nginx
from tests.site import Server

from .page import SOURCES, STREAMED, Lab

pytestmark = pytest.mark.asyncio(loop_scope="session")

# A visitor's requests go to one process, and to the other one while the first is away.
CONFIGURATION = """
map $http_upgrade $connection_upgrade { default upgrade; '' ''; }
upstream lab { server FIRST max_fails=1 fail_timeout=1s; server SECOND backup; }
server {
    listen @PLAIN@;
    listen @PORT@ ssl;
    ssl_certificate @CHAIN@;
    ssl_certificate_key @KEY@;
    location / {
        proxy_pass http://lab;
        proxy_http_version 1.1;
        proxy_buffering off;
        proxy_next_upstream error timeout http_503;
        proxy_set_header Host $http_host;
        proxy_set_header Upgrade $http_upgrade;
        proxy_set_header Connection $connection_upgrade;
    }
}
"""


@pytest.fixture
def two_processes(valkey, make_site):
    return make_site(servers=["daphne", "daphne"], REDIS_URL=valkey.url, LAB_RESTART="on").start()


@pytest.fixture
def entrance(two_processes, tmp_path):
    """Return the address of an nginx in front of the two processes."""
    configuration = CONFIGURATION
    for name, server in zip(("FIRST", "SECOND"), two_processes.servers, strict=True):
        configuration = configuration.replace(name, "{}:{}".format(*server.address))
    nginx = Nginx(tmp_path, configuration, Certificate(tmp_path)).start()
    yield "http://{}:{}".format(*nginx.plain_address)
    nginx.stop()


@asynccontextmanager
async def supervised(server: Server) -> AsyncIterator[None]:
    """Start a server again when it ends, and check that it ended once."""

    async def supervise() -> None:
        assert await asyncio.to_thread(server.wait) == 0
        server.launch(server.port)

    supervising = asyncio.create_task(supervise())
    yield
    await supervising
    await asyncio.to_thread(server.ready)


@asynccontextmanager
async def overtaken(page: Page) -> AsyncIterator[None]:
    """Keep back one answer to how the run stands, from before the block to after the block."""
    answered, let_go = await delay_answer(page, "**/lab/runs/*after=*")
    await answered.wait()
    yield
    let_go.set()


@pytest.mark.parametrize("source", SOURCES)
async def test_a_restart_costs_the_engine_nothing_and_the_plain_way_the_rest(
    browser, two_processes, entrance, source
):
    first, _second = two_processes.servers
    address = f"{entrance}/en/lab/?seconds=30&rate=10&source={source}"
    async with supervised(first), page_at(browser, address, base_url=entrance) as page:
        lab = Lab(page)
        await lab.start()
        await lab.has_pieces(*STREAMED)
        async with overtaken(page), page.expect_response("**/faults") as answer:
            await lab.fault("restart").click()
            await (await answer.value).finished()
        await lab.is_over()
        panels, run = await lab.panels(), await lab.look()
        written = run["stream"]["pieces"]
        assert (run["adopted"], run["stream"]["state"], written) == (True, "done", 300)
        outcomes = await lab.outcomes("restart", source)
        for transport, panel in panels.items():
            lost, repeated, silence, requests = outcomes[transport]
            assert int(panel["pieces"]) + int(panel["lost"]) == written, transport
            assert (lost, repeated) == (panel["lost"], panel["repeated"]), transport
            assert (int(lost) == 0) == (source == "engine"), transport
            assert panel["verified"] == ("true" if source == "engine" else "false")
            # Nothing more came on the plain way.
            assert silence.startswith(">") == (source == "plain"), transport
            assert int(requests) >= 1, transport
        told = " ".join(await page.locator(".events li").all_text_contents())
        assert "is restarting" in told
        assert "took over the run" in told
