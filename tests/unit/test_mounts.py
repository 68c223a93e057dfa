"""Where a project's URLconf includes the engine."""

import pytest
from django.urls import get_resolver

from streamsite.streams.mounts import find_mounts


@pytest.mark.parametrize(
    ("urlconf", "paths"),
    [
        ("mounted", [["stream/"]]),
        ("at_root", [[""]]),
        ("nowhere", []),
        ("below_include", [["shop/", "stream/"]]),
        ("with_parameter", [["<slug:team>/stream/"]]),
    ],
)
def test_all_includes_are_found_however_deep(urlconf: str, paths: list[list[str]]):
    found = find_mounts(get_resolver(f"tests.urlconfs.{urlconf}"))
    assert [[str(pattern) for pattern in patterns] for patterns in found] == paths
