"""Whether a process says that it can serve."""

import json
import shutil
from collections import namedtuple

import pytest
from asgiref.sync import async_to_sync
from django.db import connection
from django.test import RequestFactory

from streamsite import health
from streamsite.streams.http.draining import draining
from streamsite.streams.testing_plugin import streams  # noqa: F401 - a fixture

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("streams")]


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait longer for the parts than a load balancer does, because the machine may be busy."""
    monkeypatch.setattr(health, "TIMEOUT", 60)


def ready() -> tuple[int, dict[str, str]]:
    response = async_to_sync(health.ready)(RequestFactory().get("/readyz"))
    return response.status_code, json.loads(response.content)


def test_all_is_well():
    assert ready() == (200, {"status": "ok", "database": "ok", "channel_layer": "ok"})


def test_without_the_channel_layer_the_process_serves(settings):
    # A Redis that does not listen.
    settings.CHANNEL_LAYERS = {
        "default": {
            "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
            "CONFIG": {"hosts": ["redis://127.0.0.1:1"]},
        }
    }
    status, said = ready()
    assert (status, said["status"], said["database"]) == (200, "degraded", "ok")
    assert "Error" in said["channel_layer"]


def test_a_project_that_has_no_channel_layer_misses_none(settings):
    settings.CHANNEL_LAYERS = {}
    assert ready() == (200, {"status": "ok", "database": "ok", "channel_layer": "ok"})


def test_without_the_tables_of_the_database_the_process_serves_nobody():
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE streams_stream RENAME TO gone")
    status, said = ready()
    assert (status, said["status"]) == (503, "unavailable")
    assert said["database"] == "NotMigrated"


def test_on_a_full_disk_the_process_serves_viewers(monkeypatch: pytest.MonkeyPatch):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(1, 1, health.FREE - 1))
    assert ready() == (200, {"status": "degraded", "database": "disk full", "channel_layer": "ok"})


def test_a_process_that_is_about_to_end_says_so(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(draining, "begun", True)
    assert ready() == (503, {"status": "draining"})
