"""The leases of many producers, renewed together."""

import asyncio

import pytest

from streamsite.streams import log
from streamsite.streams.log.silence import Silence
from streamsite.streams.reading import presence
from streamsite.streams.writing import leases
from streamsite.streams.writing.leases import Lease


async def nothing() -> None:
    pass


async def test_what_goes_wrong_with_one_lease_is_not_the_end_of_the_others(
    monkeypatch: pytest.MonkeyPatch,
):
    renewals: list[set[str]] = []
    enough = asyncio.Event()

    def renew(_ids: list[int], fences: list[str], _lease: float) -> set[str]:
        renewals.append(set(fences))
        return set(fences)

    async def fail() -> None:
        if len(renewals) == 3:
            enough.set()
        raise RuntimeError("it can't be stopped")

    monkeypatch.setattr(leases, "RENEWAL", 0.01)
    # After an outage, which another test may have had, nobody is asked to stop for some seconds.
    monkeypatch.setattr(leases, "silence", Silence())
    monkeypatch.setattr(log, "renew", renew)
    monkeypatch.setattr(presence, "viewers", lambda _ids: {})
    held = [Lease(1, "a", print, 0.0, fail), Lease(2, "b", print, None, nothing)]
    for lease in held:
        leases.leases().hold(lease)
    async with asyncio.timeout(10):
        await enough.wait()
    for lease in held:
        leases.leases().release(lease)
    assert renewals == [{"a", "b"}] * 3
