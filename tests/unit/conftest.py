"""Fixtures of the unit tests."""

from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def without_static_files(settings: Any, tmp_path: Path) -> None:
    """Let pages be rendered although no static files were collected."""
    settings.STATIC_ROOT = tmp_path
    # The hashed names are known only after the static files have been collected.
    storage = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    settings.STORAGES = {**settings.STORAGES, "staticfiles": storage}
