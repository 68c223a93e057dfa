"""The polling endpoint, on streams that no database has."""

from typing import Any

import pytest
from django.test import AsyncRequestFactory, override_settings

from streamsite.streams.http.requests import StreamRequest
from streamsite.streams.http.transports import polling as module
from streamsite.streams.http.transports.polling import polling
from streamsite.streams.models import Stream
from streamsite.streams.pieces import Cursor
from streamsite.streams.reading.hub import Hub

PROXY = "10.0.0.1"


@pytest.fixture
async def hub(monkeypatch) -> Hub:
    """Return the hub of the endpoint, without its tasks."""
    hub = Hub()
    monkeypatch.setattr(Hub, "_start", lambda _self: None)
    monkeypatch.setattr(module, "hub", lambda: hub)
    return hub


async def test_each_client_of_a_trusted_proxy_is_a_viewer(hub: Hub, monkeypatch):
    async def read_request(*_arguments: Any) -> StreamRequest:
        return StreamRequest(Stream(pk=1, name="live"), Cursor(), None)

    monkeypatch.setattr(module, "read_request", read_request)
    with override_settings(STREAM_TRUSTED_PROXIES=[PROXY]):
        for client in ("203.0.113.7", "203.0.113.8", "203.0.113.7"):
            request = AsyncRequestFactory().get("/", headers={"X-Forwarded-For": client})
            request.META["REMOTE_ADDR"] = PROXY
            request.user = None
            assert (await polling(request, "live")).status_code == 200
    assert sorted(hub._pollers) == [(1, "203.0.113.7"), (1, "203.0.113.8")]
