"""A plugin for pytest, with the fixture `streams`.

The project's conftest.py names the plugin:

    pytest_plugins = ["streamsite.streams.testing_plugin"]

The plugin imports nothing that needs Django's settings, because pytest imports it before.
"""

from collections.abc import Iterator

import pytest


@pytest.fixture
def streams() -> Iterator[None]:
    """Isolate the engine in a test, as `streamsite.streams.testing.isolated` does.

        @pytest.mark.django_db
        @pytest.mark.usefixtures("streams")
        def test_the_import_reports_each_row(): ...

    The fixture has no value.
    """
    from .testing import isolated

    with isolated():
        yield
