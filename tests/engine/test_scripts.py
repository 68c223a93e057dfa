"""Programs that publish by themselves: a loop after another, and ends that come all at once."""

import pytest

from tests.site import Site

from .publisher import new_name

BEGIN = """
import asyncio
from streamsite.streams import log, publish
from streamsite.streams.log.database import in_database
from streamsite.streams.models import Stream

def standing(names):
    found = log.find_all(names)
    return [[found[name].state, found[name].pieces] for name in names]
"""

RUNS = """
async def main(name):
    async with asyncio.timeout(60), publish(name) as stream:
        for number in range(20):
            await stream.write(f"{number} ")

for name in NAMES:
    asyncio.run(main(name))
for name in NAMES[:1]:
    with publish(name + "-sync") as stream:
        stream.write("text")
answer(standing([*NAMES, NAMES[0] + "-sync"]))
"""


def test_a_program_may_run_one_event_loop_after_another(backend_site: Site):
    names = [new_name("run") for _ in range(3)]
    stood = backend_site.shell(f"{BEGIN}NAMES = {names!r}\n{RUNS}")
    assert stood == [["done", 20]] * 3 + [["done", 1]]


CANCELLED = """
async def source(name, accepted):
    async with publish(name) as stream:
        while True:
            await stream.write("piece ")
            accepted[name] = stream.n
            await asyncio.sleep(0.001)

async def main():
    accepted = {}
    sources = [asyncio.create_task(source(name, accepted)) for name in NAMES]
    while len(accepted) < len(NAMES):
        await asyncio.sleep(0)
    # As a server does that ends, also to the tasks in which the pieces are committed.
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    async with asyncio.timeout(60):
        await asyncio.wait(sources)
    assert all(task.cancelled() for task in sources)
    expected = [["interrupted", accepted[name]] for name in NAMES]
    answer([await in_database(standing, NAMES), expected])

asyncio.run(main())
"""


def test_all_tasks_cancelled_at_once_no_piece_and_no_end_is_lost(backend_site: Site):
    names = [new_name("cancelled") for _ in range(40)]
    stood, expected = backend_site.shell(f"{BEGIN}NAMES = {names!r}\n{CANCELLED}")
    assert stood == expected


ENDING = """
import random

async def source(name, accepted):
    async with publish(name) as stream:
        for _ in range(5):
            await stream.write("piece ")
            accepted[name] = stream.n

async def main(names, moment):
    accepted = dict.fromkeys(names, 0)
    sources = [asyncio.create_task(source(name, accepted)) for name in names]
    # At any moment of their ends, which for some is before their beginning.
    await asyncio.sleep(moment)
    return accepted

chance = random.Random(1)
lost = []
for number in range(10):
    names = [f"{NAME}-{number}-{each}" for each in range(8)]
    accepted = asyncio.run(main(names, chance.uniform(0, 0.06)))
    made = log.find_all(names)
    lost += [
        [stream.state, stream.pieces, accepted[name]]
        for name, stream in made.items()
        # One that was not opened yet has nobody to end it but the end of its lease.
        if accepted[name] and (stream.pieces < accepted[name] or stream.live)
    ]
answer(lost)
"""


def test_a_loop_that_ends_while_sources_end_leaves_none_open(backend_site: Site):
    assert backend_site.shell(f"{BEGIN}NAME = {new_name('ending')!r}\n{ENDING}") == []


AWAY = """
from django.db import OperationalError
from streamsite.streams import database
work = {"append": log.append, "finish": log.finish}["WORK"]
tries = []

def away(*arguments):
    tries.append(work)
    # Each work is tried once more at once, on a new connection.
    if len(tries) <= 4:
        raise OperationalError("the database is away")
    return work(*arguments)

async def main():
    async with publish(NAME) as stream:
        await stream.write("one ")
        await stream.flush()
        setattr(log, "WORK", away)
        await stream.write("two ")

asyncio.run(main())
answer(standing([NAME]))
"""


@pytest.mark.parametrize("work", ["append", "finish"])
def test_a_database_that_is_away_for_a_moment_loses_neither_pieces_nor_the_end(
    backend_site: Site, work: str
):
    code = AWAY.replace("WORK", work)
    assert backend_site.shell(f"{BEGIN}NAME = {new_name('away')!r}\n{code}") == [["done", 2]]


REAP = """
from datetime import timedelta
from django.db import OperationalError
from django.utils import timezone
from streamsite.streams.log import streams

def away():
    raise OperationalError("the database is away")

stream = log.create(NAME, fence="", lease=-1)
try:
    asyncio.run(in_database(away))
except OperationalError:
    pass
spared = standing([NAME])
streams.GRACE = 0
answer([*spared, *standing([NAME])])
"""


def test_after_an_outage_no_producer_is_taken_for_dead_before_it_could_show_life(
    backend_site: Site,
):
    stood = backend_site.shell(f"{BEGIN}NAME = {new_name('spared')!r}\n{REAP}")
    assert stood == [["live", 0], ["interrupted", 0]]


REAP_LATER = """
from django.db import OperationalError
from streamsite.streams.log import streams

def away():
    raise OperationalError("the database is away")

streams.GRACE = 0.2
stream = log.create(NAME, fence="", lease=-1)
while standing([NAME])[0][0] == "live":
    try:
        asyncio.run(in_database(away))
    except OperationalError:
        pass
answer(standing([NAME]))
"""


def test_a_dead_producer_is_found_although_the_database_fails_now_and_then(backend_site: Site):
    stood = backend_site.shell(f"{BEGIN}NAME = {new_name('dead')!r}\n{REAP_LATER}")
    assert stood == [["interrupted", 0]]


OLD = """
from datetime import timedelta
from django.utils import timezone

async def main():
    old, young = NAMES
    # Longer ago than its milliseconds have room for.
    stream = await in_database(log.create, old, fence="", lease=60)
    began = timezone.now() - timedelta(days=50)
    await in_database(Stream.objects.filter(pk=stream.pk).update, started_at=began)
    async with publish(old, takeover=True) as first, publish(young) as second:
        await first.write("still ")
        await second.write("new ")
    answer(await in_database(standing, NAMES))

asyncio.run(main())
"""


def test_a_stream_may_go_on_for_months(backend_site: Site):
    names = [new_name("old"), new_name("young")]
    assert backend_site.shell(f"{BEGIN}NAMES = {names!r}\n{OLD}") == [["done", 1]] * 2


FORK = """
import os
from streamsite.streams.reading import hub

ours, theirs = os.pipe()
child = os.fork()
if not child:
    os.write(theirs, hub._process.encode())
    os._exit(0)
os.waitpid(child, 0)
answer([hub._process, os.read(ours, 100).decode()])
"""


def test_a_forked_worker_is_a_process_by_itself(backend_site: Site):
    parent, child = backend_site.shell(BEGIN + FORK)
    assert child
    assert child != parent
