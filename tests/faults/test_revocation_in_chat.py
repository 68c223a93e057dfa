"""Readers of a chat's answer who lose their rights while the answer is being written."""

import json
from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any

import httpx
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from tests.chat.front import Front, websocket_url
from tests.engine.people import Person
from tests.inside import users
from tests.marks import EVERY_SERVER
from tests.site import Site, SiteMaker
from tests.waiting import PATIENCE


@pytest.fixture
def site(on: str, make_site: SiteMaker) -> Site:
    # The answers are silent until a test stops them, however slow the machine is.
    source = {"CHAT_SOURCE": "tests.inside.chatter.answer", "CHAT_TIMEOUT": "600"}
    return make_site(servers=[on], **source).start()


class Socket:
    """A WebSocket of the chat."""

    def __init__(self, site: Site, stack: ExitStack, cookies: Mapping[str, str]) -> None:
        self._connection = stack.enter_context(
            connect(websocket_url(site), additional_headers=cookies)
        )
        self._requests = 0

    def send(self, kind: str, **members: Any) -> None:
        self._requests += 1
        frame = {"type": kind, "requestId": f"r{self._requests}", "headers": {}, **members}
        self._connection.send(json.dumps(frame))

    def read_until(self, text: str) -> None:
        """Read up to a frame with this text."""
        while text not in self._connection.recv(timeout=PATIENCE):
            pass

    def closed(self) -> int:
        """Return the code with which the server closes the connection."""
        with pytest.raises(ConnectionClosed) as closed:
            self.read_until("no frame has this text")
        assert closed.value.rcvd is not None
        return closed.value.rcvd.code


class Chat:
    """A browser that reads one answer in each way that there is."""

    def __init__(self, site: Site, stack: ExitStack, key: str, session: str = "") -> None:
        self.key = key
        self.front = Front(site, stack)
        if session:
            self.front.client.cookies["sessionid"] = session
        # A visitor without a session gets one with this response.
        self.asked = stack.enter_context(self.front.asking(key, "hang"))
        self.resumed = stack.enter_context(self.front.resuming(key))
        self.socket = Socket(site, stack, Person(0, self.session, "").cookies)
        self.socket.send("resume", id=key, body={})
        for answer in (self.asked, self.resumed):
            answer.until("waiting ")
        self.socket.read_until("waiting ")

    @property
    def session(self) -> str:
        return self.front.client.cookies["sessionid"]

    def check_cut_off(self) -> None:
        """Check that each connection ends soon, and not as a complete answer does."""
        for answer in (self.asked, self.resumed):
            with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
                answer.rest()
        assert self.socket.closed() == 4404

    def check_open(self) -> None:
        """Check that each connection still gets the end of the answer."""
        assert self.front.stop(self.key)
        for answer in (self.asked, self.resumed):
            assert [part["type"] for part in answer.rest()] == ["abort"]
        self.socket.read_until('"end"')


@EVERY_SERVER
def test_an_answer_is_cut_off_for_who_may_not_read_it_any_more(site: Site, stack: ExitStack):
    people = {name: Person(*facts) for name, facts in site.call(users.make_people).items()}
    owner, stranger, staff = people["owner"], people["stranger"], people["staff"]
    deactivated = Chat(site, stack, "deactivated", owner.session)
    logged_out = Chat(site, stack, "logged-out", stranger.session)
    forgotten = Chat(site, stack, "forgotten")
    kept = [Chat(site, stack, "kept-user", staff.session), Chat(site, stack, "kept-visitor")]
    site.call(users.deactivate, owner.pk)
    site.call(users.log_out, stranger.session)
    site.call(users.log_out, forgotten.session)
    for chat in (deactivated, logged_out, forgotten):
        chat.check_cut_off()
    for chat in kept:
        chat.check_open()
    site.server.assert_calm()


@EVERY_SERVER
def test_a_deactivated_user_asks_no_more_on_an_open_connection(site: Site, stack: ExitStack):
    people = {name: Person(*facts) for name, facts in site.call(users.make_people).items()}
    owner = people["owner"]
    front = Front(site, stack)
    known, new = Socket(site, stack, owner.cookies), Socket(site, stack, {})
    for number, socket in enumerate((known, new)):
        socket.send("send", **front.body(f"first-{number}", "count 1"))
        socket.read_until('"end"')
    site.call(users.deactivate, owner.pk)
    known.send("send", **front.body("second-0", "count 1"))
    known.read_until('"status": 401')
    # The session of a new visitor begins with the connection.
    new.send("send", **front.body("second-1", "count 1"))
    new.read_until('"end"')
