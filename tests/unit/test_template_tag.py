"""The template tag `{% stream_output %}`: which attributes `<stream-output>` gets."""

import re

import pytest
from django.template import Context, Template, TemplateSyntaxError

from streamsite.streams import Stream


@pytest.fixture(autouse=True)
def static_files_without_hashes(settings):
    """Use the static files from their sources, as with DEBUG."""
    settings.STORAGES = {
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    }


def attributes(arguments: str) -> set[str]:
    """Return the attributes of the element, without those that every element has."""
    page = Template("{% load streams %}{% stream_output name " + arguments + " %}").render(
        Context({"name": "build", "seconds": 2.5, "thousand": 1000})
    )
    (tag,) = re.findall(r"<stream-output\s([^>]*)>", page)
    found = set(re.findall(r'[\w-]+(?:="[^"]*")?', re.sub(r'data-word-[a-z]+="[^"]*"', "", tag)))
    return found - {'src="/stream/build"'}


USUAL = {'transport="auto"', 'after="0"', "autostart"}


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ("", USUAL),
        ("wait=True", USUAL | {"wait"}),
        ("wait=False", USUAL),
        ("wait=30", USUAL | {'wait="30"'}),
        ("wait=thousand", USUAL | {'wait="1000"'}),
        ("wait=seconds", USUAL | {'wait="2.5"'}),
        ("ansi=True", USUAL | {"ansi"}),
        ("ansi=False", USUAL),
        ('pace="recorded"', USUAL | {'pace="recorded"'}),
        ("pace=seconds", USUAL | {'pace="2.5"'}),
        ("autostart=False", USUAL - {"autostart"}),
        ('transport="sse" after=thousand', {'transport="sse"', 'after="1000"', "autostart"}),
    ],
)
def test_the_arguments_of_the_tag_are_attributes_of_the_element(arguments, expected):
    assert attributes(arguments) == expected


def test_an_unknown_transport_is_an_error():
    with pytest.raises(TemplateSyntaxError, match="there is no transport 'pigeon'"):
        attributes('transport="pigeon"')


def rendered(tag: str, **context: object) -> str:
    return Template("{% load streams %}{% " + tag + " %}").render(Context(context))


@pytest.mark.parametrize("tag", ["stream_output", "stream_progress"])
def test_a_tag_takes_a_stream_in_place_of_its_name(tag: str):
    stream = Stream(name="build", title="The nightly build")
    assert 'src="/stream/build"' in rendered(f"{tag} stream", stream=stream)


@pytest.mark.parametrize("tag", ["stream_output", "stream_progress"])
def test_a_tag_without_a_name_says_what_to_write(tag: str):
    with pytest.raises(TemplateSyntaxError, match=rf"{tag}: the stream has no name\. Write"):
        rendered(f"{tag} missing")


@pytest.mark.parametrize("tag", ["stream_output", "stream_progress"])
def test_a_tag_with_a_wrong_name_says_what_a_name_is(tag: str):
    with pytest.raises(TemplateSyntaxError, match=rf"{tag}: 'reports/17' is not a valid .* 1 to"):
        rendered(f"{tag} 'reports/17'")


def test_the_query_may_begin_with_a_question_mark():
    assert 'src="/stream/build?viewer=1"' in rendered("stream_output 'build' query='?viewer=1'")
