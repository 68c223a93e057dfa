"""The model of a stream, without a database: its address in the URLconf."""

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.urls import set_script_prefix

from streamsite.streams import Stream


@pytest.mark.parametrize(
    ("urlconf", "url"),
    [
        ("mounted", "/stream/build"),
        ("at_root", "/build"),
        ("below_include", "/shop/stream/build"),
    ],
)
def test_the_address_follows_the_urlconf(settings, urlconf: str, url: str):
    settings.ROOT_URLCONF = f"tests.urlconfs.{urlconf}"
    assert Stream(name="build").url == url


def test_the_address_begins_with_the_path_below_which_the_site_is_mounted():
    set_script_prefix("/below/")
    try:
        assert Stream(name="build").url == "/below/stream/build"
    finally:
        set_script_prefix("/")


@pytest.mark.parametrize("urlconf", ["nowhere", "with_parameter"])
def test_without_the_engines_urls_a_stream_has_no_address(settings, urlconf: str):
    settings.ROOT_URLCONF = f"tests.urlconfs.{urlconf}"
    with pytest.raises(ImproperlyConfigured, match=r"'build' has no address.*Add path"):
        Stream(name="build").url  # noqa: B018 - the access raises
