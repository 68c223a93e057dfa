"""The system checks of the engine: `manage.py check`."""

from typing import Any

import pytest
from django.conf import settings
from django.core.checks import run_checks
from django.test import override_settings

MISTAKES = [
    ({"STREAM_ALLOWED_ORIGINS": ["example.com"]}, "streams.E002"),
    (
        {"MIDDLEWARE": [*settings.MIDDLEWARE, "django.middleware.gzip.GZipMiddleware"]},
        "streams.W001",
    ),
    ({"ASGI_APPLICATION": None}, "streams.W002"),
    ({"ROOT_URLCONF": "tests.urlconfs.nowhere"}, "streams.E003"),
    ({"ROOT_URLCONF": "tests.urlconfs.by_language"}, "streams.E004"),
    ({"ROOT_URLCONF": "tests.urlconfs.with_parameter"}, "streams.E005"),
]


def found() -> list[str]:
    """Return the ids of the engine's messages."""
    return [message.id for message in run_checks() if message.id.startswith("streams.")]


@pytest.mark.parametrize("urlconf", ["at_root", "below_include"])
def test_the_engine_may_be_mounted_at_the_root_and_below_an_include(urlconf: str):
    with override_settings(ROOT_URLCONF=f"tests.urlconfs.{urlconf}"):
        assert found() == []


def test_a_site_of_one_process_needs_no_channel_layer():
    with override_settings(CHANNEL_LAYERS={}):
        assert found() == []


def test_the_settings_of_this_site_pass_the_checks():
    assert found() == []


@pytest.mark.parametrize(("setting", "message_id"), MISTAKES)
def test_a_mistake_in_the_settings_is_found(setting: dict[str, Any], message_id: str):
    with override_settings(**setting):
        assert found() == [message_id]
