"""What the doctor makes of what it measures."""

from datetime import UTC, datetime, timedelta

import httpx
import pytest

from streamsite.streams.doctor.entrance import date_of
from streamsite.streams.doctor.findings import ok, problem, status_of, warning
from streamsite.streams.doctor.inside import judge_clock
from streamsite.streams.doctor.watching import Watch, judge, judge_rings

NEVER = float("inf")
NOON = datetime(2026, 11, 29, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("findings", "status"),
    [
        ([], 0),
        ([ok("a", "Well.")], 0),
        ([warning("a", "Slow.", "Faster."), ok("b", "Well.")], 1),
        ([problem("a", "Broken.", "Mend it."), warning("b", "Slow.", "Faster.")], 2),
    ],
)
def test_the_exit_status_is_that_of_the_worst_finding(findings, status):
    assert status_of(findings) == status


@pytest.mark.parametrize(
    ("delays", "level", "says"),
    [
        ([0.01, 0.02, 0.4], "ok", "3 pieces came 20 ms (p50) and 400 ms (longest)"),
        # At the heartbeat: the way holds nothing back.
        ([0.1, 1.9, 2.1], "ok", "2.1 s (longest)"),
        # All at the end: a buffer.
        ([5.0, 4.8, 0.1], "problem", "one came 5.0 s after its commit"),
        ([0.01, 0.02, NEVER], "problem", "1 of 3 did not come"),
        ([NEVER, NEVER, NEVER], "problem", "3 of 3 did not come"),
    ],
)
def test_pieces_that_come_late_were_held_back(delays, level, says):
    found = judge(Watch("sse"), delays)
    assert found.level == level
    assert says in found.sentence


def test_a_refused_connection_is_not_taken_for_a_buffer():
    watch = Watch("websocket", failure="The handshake came without the header Upgrade.")
    found = judge(watch, [NEVER])
    assert "without the header Upgrade" in found.sentence
    assert "proxy_set_header Upgrade" in found.change


def test_a_websocket_that_is_refused_to_pages_is_told_from_a_proxy_without_upgrade():
    watch = Watch("websocket", failure="The server refused the stream (403).", refused=403)
    found = judge(watch, [NEVER])
    assert "own pages" in found.sentence
    assert "with its port" in found.change


@pytest.mark.parametrize(
    ("delays", "levels"),
    [
        # One transport without a buffer shows that rings arrive.
        ([[5.0, 4.0], [0.01, 0.02]], ["ok"]),
        ([[1.2, 1.0], [0.9, 1.1]], ["problem"]),
        ([[NEVER], [NEVER]], []),
    ],
)
def test_rings_arrive_when_the_quickest_transport_is_quick(delays, levels):
    assert [each.level for each in judge_rings(delays)] == levels


@pytest.mark.parametrize(("off", "level"), [(0.5, "ok"), (4, "warning"), (-60, "problem")])
def test_clocks_that_differ_are_found(off, level):
    assert judge_clock("the server", NOON + timedelta(seconds=off), NOON, error=1).level == level


@pytest.mark.parametrize("date", ["Sun, 29 Nov 2026 05:00:00 -0000", "yesterday", None])
def test_a_date_without_a_time_zone_is_no_clock(date):
    response = httpx.Response(200, headers={"Date": date} if date else {})
    assert date_of(response) is None
