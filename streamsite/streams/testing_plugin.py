"""A plugin for pytest, with the fixture `streams`. Name the plugin in the project's conftest.py:

pytest_plugins = ["streamsite.streams.testing_plugin"]
"""

from collections.abc import Iterator

import pytest


@pytest.fixture
def streams() -> Iterator[None]:
    """Isolate the engine in a test, as `streamsite.streams.testing.isolated` does.

    @pytest.mark.django_db
    @pytest.mark.usefixtures("streams")
    def test_the_import_reports_each_row(): ...
    """
    # Imported here, because pytest imports plugins before Django is set up.
    from .testing import isolated

    with isolated():
        yield
