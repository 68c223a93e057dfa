"""The answer of a page whose view has raised an error."""

import logging

import pytest
from django.db import OperationalError
from django.test import RequestFactory

from streamsite.streams.log.outages import Outage
from streamsite.unavailable import server_error

pytestmark = pytest.mark.usefixtures("without_static_files")


def answer(error: Exception):
    try:
        raise error
    except (OperationalError, ValueError):
        return server_error(RequestFactory().get("/en/live/"))


@pytest.fixture(autouse=True)
def fresh_outage(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streamsite.unavailable.outage", Outage(lambda: 1000.0))


def test_while_the_database_is_away_pages_say_when_to_come_back(caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.INFO)
    for _ in range(10):
        response = answer(OperationalError("connection refused"))
        assert (response.status_code, response["Retry-After"]) == (503, "2")
        assert "text/html" in response["Content-Type"]
    assert len(caplog.records) == 1
    assert caplog.records[0].exc_info is None


def test_other_errors_are_the_sites_own():
    response = answer(ValueError("no"))
    assert response.status_code == 500
    assert "Retry-After" not in response
