"""Proxies and gzip, put between the lab's page and the server."""

import pytest

from .page import both, check_counts

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.mark.parametrize("fault", ["nginx", "buffered", "gzip"])
async def test_a_proxy_that_collects_holds_up_chunked_transfer_and_sse_alone(browser, site, fault):
    for panels, run, outcomes in await both(browser, site, fault):
        source = panels["sse"]["source"]
        check_counts(panels, run, source)
        assert {row["path"] for row in run["connections"]} == {"direct", fault}
        silence = {name: float(cells[2].rstrip(" s")) for name, cells in outcomes.items()}
        # nginx obeys the header that the engine sends and the plain way doesn't.
        if source == "engine" and fault == "nginx":
            assert {panel["verified"] for panel in panels.values()} == {"true"}
        else:
            assert min(silence["chunked"], silence["sse"]) > silence["websocket"]
