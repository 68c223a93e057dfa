"""What the doctor finds without an address: in the settings, the database and the channel layer."""

import pytest
from asgiref.sync import async_to_sync
from channels.layers import channel_layers
from django.db import connection

from streamsite.streams import Stream
from streamsite.streams.doctor import inside
from streamsite.streams.doctor.examination import examine
from streamsite.streams.doctor.findings import Finding
from streamsite.streams.doctor.inside import check_inside
from streamsite.streams.doctor.layer import check_layer
from streamsite.streams.testing_plugin import streams  # noqa: F401 - a fixture

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("streams")]


@async_to_sync
async def examined() -> list[Finding]:
    return [each async for each in examine(None, headers={}, idle=0, insecure=False)]


def levels(findings: list[Finding]) -> dict[str, str]:
    return {each.check: each.level for each in findings}


def test_a_site_in_order_has_nothing_to_change_but_the_memory_of_one_process(
    monkeypatch: pytest.MonkeyPatch,
):
    # However busy the machine is.
    monkeypatch.setattr(inside, "MEDIAN_COMMIT", 10)
    monkeypatch.setattr(inside, "SLOW_COMMIT", 60)
    before = set(Stream.objects.values_list("name"))
    assert levels(examined()) == {
        "settings": "ok",
        "migrations": "ok",
        "connections": "ok",
        "channel layer": "warning",
        "commits": "ok",
    }
    # The doctor leaves nothing behind.
    assert set(Stream.objects.values_list("name")) == before


@pytest.mark.parametrize(("median", "slow", "level"), [(0, 60, "warning"), (0, 0, "problem")])
def test_a_slow_database_is_found(
    monkeypatch: pytest.MonkeyPatch, median: float, slow: float, level: str
):
    monkeypatch.setattr(inside, "MEDIAN_COMMIT", median)
    monkeypatch.setattr(inside, "SLOW_COMMIT", slow)
    assert levels(examined())["commits"] == level


def test_wrong_settings_are_found(settings):
    settings.STREAM_STALL_TIMEOUT = 0
    found = [each for each in check_inside() if each.check == "settings"]
    assert [each.level for each in found] == ["problem"]
    assert "STREAM_STALL_TIMEOUT" in found[0].sentence


def test_connections_that_nobody_uses_are_found():
    connection.settings_dict["CONN_MAX_AGE"] = 60
    try:
        assert levels(check_inside())["connections"] == "warning"
    finally:
        connection.settings_dict["CONN_MAX_AGE"] = 0


def test_without_all_tables_nothing_is_published(monkeypatch: pytest.MonkeyPatch):
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'streams'")
    found = examined()
    assert levels(found)["migrations"] == "problem"
    assert {each.check for each in found} == {"settings", "migrations", "connections"}


@pytest.fixture
def redis_layer(request, settings):
    """Use a channel layer on a Redis that is not there."""
    settings.CHANNEL_LAYERS = {
        "default": {"BACKEND": request.param, "CONFIG": {"hosts": ["redis://127.0.0.1:1"]}}
    }
    channel_layers.backends.clear()
    yield
    channel_layers.backends.clear()


@pytest.mark.parametrize(
    "redis_layer",
    ["channels_redis.pubsub.RedisPubSubChannelLayer", "channels_redis.core.RedisChannelLayer"],
    indirect=True,
)
def test_a_redis_that_is_away_is_found(redis_layer: None):
    found = async_to_sync(check_layer)()
    assert found.level == "problem"
    assert "doesn't carry a message" in found.sentence
