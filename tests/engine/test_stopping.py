"""Stopping a stream: who may stop, how, from which process, and what the source sees."""

import json

import pytest

from tests.inside import streams, users
from tests.raw import http, websocket
from tests.site import Site

from .people import CSRF, Person
from .publisher import Publisher, Source, new_name
from .reading import TRANSPORTS, Reader

People = dict[str, Person]


@pytest.fixture
def source(publisher: Publisher, people: People) -> Source:
    source = publisher.open(new_name("stopping"), owner=people["owner"].pk, visibility="link")
    source.write("one ", "two ")
    return source


def stop(site: Site, name: str, headers) -> http.Response:
    """Ask the last server to stop a stream."""
    return http.ask(
        site.servers[-1].address, f"/stream/{name}/stop", method="POST", headers=headers
    )


WAYS = {
    "owner": lambda people: people["owner"].form,
    "staff": lambda people: people["staff"].form,
    "token": lambda people: people["owner"].bearer,
}


@pytest.mark.parametrize("way", WAYS)
def test_the_owner_staff_and_the_owners_token_may_stop_a_stream(
    backend_site: Site, source: Source, people: People, way: str
):
    answer = stop(backend_site, source.name, WAYS[way](people))
    assert (answer.status, answer.json) == (202, {"state": "stopped"})
    left = source.expect("left")
    assert (left["raised"], left["stopped"]) == ("CancelledError", True)


NOT_ALLOWED = {
    "nobody": (401, lambda people: {}),
    "nobody with a CSRF token": (
        401,
        lambda people: {"Cookie": f"csrftoken={CSRF}", "X-CSRFToken": CSRF},
    ),
    "a stranger": (403, lambda people: people["stranger"].form),
    "another's token": (403, lambda people: people["stranger"].bearer),
    "an unknown token": (401, lambda people: {"Authorization": "Bearer nonsense"}),
    "another scheme": (401, lambda people: {"Authorization": "Basic b3duZXI6b3duZXI="}),
    "the owner's cookie without a CSRF token": (403, lambda people: people["owner"].cookies),
    "the owner's cookie with a wrong CSRF token": (
        403,
        lambda people: {**people["owner"].form, "X-CSRFToken": "d" * 32},
    ),
}


@pytest.mark.parametrize("who", NOT_ALLOWED)
def test_nobody_else_may_stop_a_stream_and_its_source_goes_on(
    backend_site: Site, source: Source, people: People, who: str
):
    status, headers = NOT_ALLOWED[who]
    answer = stop(backend_site, source.name, headers(people))
    assert answer.status == status
    assert answer.json["detail"]
    source.write("three")
    assert source.end()["stopped"] is False
    assert Reader(source.name).read("polling", backend_site.address).state == "done"


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_every_viewer_receives_the_end_of_a_stopped_stream(
    backend_site: Site, source: Source, people: People, at_once, transport: str
):
    reading = [
        at_once.submit(Reader(source.name).read, transport, server.address)
        for server in backend_site.servers
    ]
    stop(backend_site, source.name, people["staff"].form)
    for future in reading:
        reader = future.result()
        assert (reader.text, reader.state) == ("one two ", "stopped")
        # Without the name of the user, which may be an address.
        assert reader.end["reason"] == "Stopped by staff."


def test_a_source_without_an_event_loop_is_stopped_at_its_next_piece(
    backend_site: Site, publisher: Publisher, people: People
):
    source = publisher.open(
        new_name("stopping"), form="sync", owner=people["owner"].pk, visibility="link"
    )
    source.write("one")
    stop(backend_site, source.name, people["owner"].form)
    source.begin(["two"])
    left = source.expect("left")
    assert (left["raised"], left["stopped"]) == ("Stopped", True)


def test_stopping_again_or_after_the_end_changes_nothing(
    backend_site: Site, source: Source, people: People
):
    for _ in range(2):
        assert stop(backend_site, source.name, people["owner"].form).json == {"state": "stopped"}
    done = source.publisher.open(new_name("stopping"), owner=people["owner"].pk, visibility="link")
    done.end()
    answer = stop(backend_site, done.name, people["owner"].form)
    assert (answer.status, answer.json) == (202, {"state": "done"})


def test_stopping_a_missing_stream_is_a_404(backend_site: Site, people: People):
    assert stop(backend_site, "not-there", people["owner"].form).status == 404


def test_the_owner_may_stop_a_stream_on_its_websocket(
    backend_site: Site, source: Source, people: People
):
    target = f"/stream/{source.name}/ws"
    with websocket.connect(
        backend_site.servers[-1].address, target, people["owner"].cookies
    ) as socket:
        socket.write(websocket.TEXT, b'{"op": "stop"}')
        *frames, last = socket.frames()
    assert json.loads(frames[-1].payload)["end"] == "stopped"
    assert last.code == 1000
    assert source.expect("left")["stopped"] is True


MESSAGES = {
    "not JSON": b"stop",
    "half of it": b'{"op": ',
    "a list": b'["stop"]',
    "no op": b"{}",
    "an unknown op": b'{"op": "rewind"}',
    "an op that is no text": b'{"op": 7}',
    "nested without end": b"[" * 50_000,
}


@pytest.mark.parametrize("message", MESSAGES)
def test_an_invalid_websocket_message_gets_an_error_and_the_stream_goes_on(
    backend_site: Site, source: Source, people: People, message: str
):
    assert_error(backend_site, source, people["owner"], websocket.TEXT, MESSAGES[message])


def test_a_binary_websocket_message_gets_an_error_and_the_stream_goes_on(
    backend_site: Site, source: Source, people: People
):
    assert_error(backend_site, source, people["owner"], websocket.BINARY, b'{"op": "stop"}')


def test_a_stranger_who_stops_on_a_websocket_is_told_who_may(
    backend_site: Site, source: Source, people: People
):
    detail = assert_error(
        backend_site, source, people["stranger"], websocket.TEXT, b'{"op": "stop"}'
    )
    assert "owner" in detail


def assert_error(site: Site, source: Source, person: Person, opcode: int, payload: bytes) -> str:
    """Send a message, check that only an error answers it, and return the error's text."""
    with websocket.connect(site.address, f"/stream/{source.name}/ws", person.cookies) as socket:
        socket.write(opcode, payload)
        records = []
        while not records or "error" not in records[-1]:
            records.append(json.loads(socket.read_text()))
        error = records.pop()["error"]
        source.write("three")
        source.end()
        *frames, last = socket.frames()
    records += [json.loads(frame.text) for frame in frames if frame.opcode == websocket.TEXT]
    assert [record.get("text") for record in records] == ["one ", "two ", "three", None]
    assert records[-1]["end"] == "done"
    assert last.code == 1000
    return error


def test_staff_may_stop_a_stream_in_the_admin_which_logs_the_stop(
    backend_site: Site, source: Source, people: People
):
    pk = source.publisher.call(streams.primary_key, source.name)
    form = f"csrfmiddlewaretoken={CSRF}&action=stop_streams&_selected_action={pk}".encode()
    answer = http.ask(
        backend_site.servers[-1].address,
        "/admin/streams/stream/",
        method="POST",
        headers={**people["staff"].form, "Content-Type": "application/x-www-form-urlencoded"},
        body=form,
    )
    assert answer.status == 302
    assert source.expect("left")["stopped"] is True
    end = Reader(source.name).read("polling", backend_site.address).end
    assert end["reason"] == "Stopped by staff."
    entries = source.publisher.call(users.log_entries, pk)
    assert entries == [["staff", f"Stopped {source.name}."]]
