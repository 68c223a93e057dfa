"""The contract: every reader gets exactly the pieces, on any transport, with any interruption."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from tests.raw import http
from tests.site import Site

from .people import Person
from .publisher import Publisher, new_name
from .reading import TRANSPORTS, Reader, as_lines, bare_text

# Hypothesis must not shrink, because each example that hangs takes PATIENCE seconds.
PHASES = (Phase.explicit, Phase.reuse, Phase.generate)
SAME_SITE_FOR_ALL = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]


def bounded(examples: int) -> settings:
    """Return settings for this number of examples."""
    return settings(max_examples=examples, phases=PHASES, suppress_health_check=SAME_SITE_FOR_ALL)


TROUBLE = [
    *("\r", "\n", "\r\n", "\n\n", "\n\r", "\r\r\n", " ", "\t", "\x01", "\x1b[31m", "\x7f", "\x85"),
    *(
        "\u2028",
        "\u2029",
        "\ufeff",
        "\u200f",
        "\u202e",
        "\ufffe",
        "\U0010ffff",
        "\u0301",
        "e\u0301",
    ),
    *(
        "👩‍👩‍👧‍👦",
        "🇨🇳",
        "👍🏽",
        "流式",
        "data: END",
        "\n\ndata: x\n\n",
        ": ping",
        '{"end":"done"}',
        "0\r\n\r\n",
    ),
]
TEXT = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=30
)
TEXTS = st.sampled_from(TROUBLE) | TEXT
NUMBERS = st.integers(-(2**70), 2**70) | st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS | st.just("\0"),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=8,
)
# What a source in each format writes.
PIECES = {
    "text": st.lists(TEXTS, min_size=1, max_size=40),
    "json": st.lists(VALUES, min_size=1, max_size=40),
}


@dataclass(frozen=True)
class Leg:
    """A part of a reader's way: `most` pieces on one transport from one server."""

    transport: str
    server: int
    most: int


LEGS = st.lists(
    st.builds(Leg, st.sampled_from([*TRANSPORTS]), st.integers(0, 1), st.integers(1, 60)),
    max_size=4,
)


@dataclass(frozen=True, repr=False)
class Plan:
    """What a source writes, and what four readers do, each beginning on another transport."""

    format: str
    pieces: tuple[Any, ...]
    form: str
    pause: float
    legs: tuple[list[Leg], ...]
    # The number of pieces after which the test of stopping stops the stream.
    stop_at: int

    def __repr__(self) -> str:
        pieces = f"{len(self.pieces)} pieces from {self.pieces[:40]!r}"
        way = f"{self.format}, {self.form}, {self.pause} s, {self.legs}"
        return f"<{pieces}, {way}, stopped at {self.stop_at}>"


@st.composite
def plans(draw: st.DrawFn, format: str) -> Plan:
    # A long text repeats a short one, because hypothesis generates a short text quickly.
    pieces = draw(PIECES[format]) * draw(st.sampled_from([1, 1, 1, 5, 30]))
    firsts = [
        [Leg(transport, draw(st.integers(0, 1)), draw(st.integers(1, 9)))]
        for transport in TRANSPORTS
    ]
    return Plan(
        format,
        tuple(pieces),
        draw(st.sampled_from(["async", "sync"])),
        draw(st.sampled_from([0, 0, 0.0005, 0.005])),
        tuple(first + draw(LEGS) for first in firsts),
        draw(st.integers(1, len(pieces))),
    )


def long(format: str) -> Plan:
    """Return the plan of a stream of many pieces, which the readers leave in the middle."""
    words = tuple(f"{number} " for number in range(20_000))
    counts = tuple({"progress": number / 20_000} for number in range(20_000))
    legs = tuple(
        [Leg(transport, 0, 300), Leg(other, 1, 7_000)]
        for transport, other in zip(TRANSPORTS, [*TRANSPORTS][::-1], strict=True)
    )
    return Plan(format, words if format == "text" else counts, "async", 0, legs, 9_000)


def large(format: str) -> Plan:
    """Return the plan of a stream whose pieces are as long as the limit allows."""
    texts = ("é" * 65_536, "\n" * 65_536, "🦊" * 65_536)
    values = ("é" * 65_534, ["\n" * 32_766], {"🦊": "🦊" * 65_528})
    pieces = texts if format == "text" else values
    return Plan(format, pieces * 2, "sync", 0, ([], [], [], []), 2)


FORMATS = pytest.mark.parametrize("format", ["text", "json"])


def read_by(legs: list[Leg], name: str, site: Site, last: str) -> Reader:
    """Read leg by leg, and then to the end on the transport `last`."""
    reader = Reader(name)
    for leg in legs:
        reader.read(leg.transport, site.servers[leg.server % len(site.servers)].address, leg.most)
        if reader.end:
            return reader
    return reader.read(last, site.servers[-1].address)


def readers_of(site: Site, at_once: ThreadPoolExecutor):
    """Return a function that starts the readers of a plan and returns a function to await them."""

    def start(plan: Plan, name: str):
        lasts = [*TRANSPORTS][1:] + [*TRANSPORTS][:1]
        reading = [
            at_once.submit(read_by, legs, name, site, last)
            for legs, last in zip(plan.legs, lasts, strict=True)
        ]
        bare = at_once.submit(bare_text, site.address, name)
        return lambda: ([future.result() for future in reading], bare.result())

    return start


@pytest.fixture
def readers(backend_site: Site, at_once: ThreadPoolExecutor):
    return readers_of(backend_site, at_once)


def check_whole(plan: Plan, publisher: Publisher, readers, ending: str) -> None:
    """Check that every reader gets exactly the pieces of a stream that ends as done or failed."""
    source = publisher.open(new_name(ending), form=plan.form, format=plan.format)
    wait = readers(plan, source.name)
    source.begin(plan.pieces, pause=plan.pause)
    source.expect("written")
    source.end() if ending == "done" else source.fail("out of paper")
    finished, bare = wait()
    assert bare == ("".join if plan.format == "text" else as_lines)(plan.pieces)
    for reader in finished:
        assert tuple(reader.texts) == plan.pieces
        assert reader.state == ending
        assert reader.resets == []
        # The exception, which says "out of paper", is for the owner and staff alone.
        reason = "The source failed." if ending == "failed" else ""
        assert reader.end.get("reason", "") == reason


def check_stopped(plan: Plan, publisher: Publisher, readers, site: Site, staff: Person) -> None:
    """Check that every reader gets the same pieces of a stream that a viewer stops."""
    source = publisher.open(new_name("stopped"), form=plan.form, format=plan.format)
    wait = readers(plan, source.name)
    source.begin(plan.pieces, pause=plan.pause)
    # A viewer receives some pieces from any process, and then stops the stream.
    server = site.servers[plan.stop_at % len(site.servers)]
    Reader(source.name).read("websocket", server.address, plan.stop_at)
    answer = http.ask(
        server.address, f"/stream/{source.name}/stop", method="POST", headers=staff.form
    )
    assert (answer.status, answer.json) == (202, {"state": "stopped"})
    finished, bare = wait()
    for reader in finished:
        assert reader.text == bare
        assert reader.state == "stopped"
        assert tuple(reader.texts) == plan.pieces[: len(reader.texts)]
        assert len(reader.texts) >= plan.stop_at


@FORMATS
@pytest.mark.parametrize("ending", ["done", "failed"])
def test_every_reader_gets_exactly_the_pieces(
    publisher: Publisher, readers, ending: str, format: str
):
    @bounded(10)
    @given(plans(format))
    @example(long(format))
    @example(large(format))
    def run(plan: Plan) -> None:
        check_whole(plan, publisher, readers, ending)

    run()


@FORMATS
def test_every_reader_of_a_stopped_stream_gets_the_same_pieces(
    backend_site: Site, publisher: Publisher, people: dict[str, Person], readers, format: str
):
    @bounded(10)
    @given(plans(format))
    @example(long(format))
    def run(plan: Plan) -> None:
        check_stopped(plan, publisher, readers, backend_site, people["staff"])

    run()
