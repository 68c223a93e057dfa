"""The transport below uvicorn's `send`, which the engine reaches by undocumented names."""

import inspect
from types import SimpleNamespace
from typing import Any

import pytest
from uvicorn.protocols.http import h11_impl, httptools_impl
from uvicorn.protocols.websockets import websockets_sansio_impl

from streamsite.streams.http.uvicorn import transport_of

SENDERS = [
    h11_impl.RequestResponseCycle,
    httptools_impl.RequestResponseCycle,
    websockets_sansio_impl.WebSocketsSansIOProtocol,
]


@pytest.mark.parametrize("sender", SENDERS)
def test_uvicorn_has_the_names_with_which_the_transport_is_found(sender: type):
    assert inspect.iscoroutinefunction(sender.send)
    assert "self.transport" in inspect.getsource(sender)
    made: Any = sender.__new__(sender)
    made.transport = SimpleNamespace()
    assert transport_of(made.send) is made.transport


def test_other_servers_have_no_transport_to_find():
    class Cycle:
        transport = SimpleNamespace()

        async def send(self, message: object) -> None: ...

    async def send(message: object) -> None: ...

    assert transport_of(Cycle().send) is None
    assert transport_of(send) is None
