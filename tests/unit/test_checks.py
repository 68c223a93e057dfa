"""What `manage.py check` tells a site that installs the engine."""

from typing import Any

import pytest
from django.conf import settings
from django.core.checks import run_checks
from django.test import override_settings

FORGOTTEN = [
    ({"CHANNEL_LAYERS": {}}, "streams.E001"),
    ({"STREAM_ALLOWED_ORIGINS": ["example.com"]}, "streams.E002"),
    (
        {"MIDDLEWARE": [*settings.MIDDLEWARE, "django.middleware.gzip.GZipMiddleware"]},
        "streams.W001",
    ),
    ({"ASGI_APPLICATION": None}, "streams.W002"),
]


def found() -> list[str]:
    return [message.id for message in run_checks() if message.id.startswith("streams.")]


def test_nothing_is_wrong_with_this_site():
    assert found() == []


@pytest.mark.parametrize(("wrong", "told"), FORGOTTEN)
def test_what_is_wrong_is_told(wrong: dict[str, Any], told: str):
    with override_settings(**wrong):
        assert found() == [told]
