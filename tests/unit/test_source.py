"""The template tag that shows source code."""

import inspect
from pathlib import Path

import pytest

from demos.templatetags.source import source
from tests.shown import SHOWN, code_in


@pytest.mark.parametrize("path", SHOWN)
def test_the_code_shown_is_the_code_that_runs(path):
    (shown,) = code_in(source(path))
    running = inspect.unwrap(SHOWN[path])
    assert shown.strip() == inspect.getsource(running).strip()
    assert f"<code>{Path(inspect.getsourcefile(running)).parent.name}/" in source(path)
