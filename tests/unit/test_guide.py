"""The pages and the files of the guide: languages, links, caching, and what they must mention."""

import ast
import re
from collections.abc import Iterator
from datetime import timedelta
from html.parser import HTMLParser
from urllib.parse import unquote, urlsplit

import pytest
from django.core.management import BaseCommand, get_commands, load_command_class
from django.test import Client
from django.urls import resolve
from django.utils.translation import override

from demos.guide.topics import TOPICS
from streamsite.chat import conf as chat
from streamsite.streams import errors
from streamsite.streams.conf import DEFAULTS
from tests.guide import FOLDER, RUNS, blocks
from tests.site import ROOT

LANGUAGES = {"zh-hans": "", "en": "/en"}
NAMES = [topic.name for topic in TOPICS]
ADDRESSES = [
    f"{prefix}/guide/{name}"
    for prefix in LANGUAGES.values()
    for name in ["", *(f"{name}/" for name in NAMES)]
]


class Parser(HTMLParser):
    """The elements of a page, each as its tag and attributes."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def values(self, tag: str, name: str) -> list[str]:
        return [
            attrs[name] or "" for found, attrs in self.elements if found == tag and name in attrs
        ]

    @property
    def ids(self) -> list[str]:
        return [attrs["id"] or "" for _tag, attrs in self.elements if "id" in attrs]


@pytest.fixture
def client(settings, tmp_path) -> Client:
    settings.STATIC_ROOT = tmp_path
    # The hashed names are known only after the static files have been collected.
    settings.STORAGES = {
        **settings.STORAGES,
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    }
    return Client(HTTP_HOST="localhost")


def parsed(client: Client, address: str) -> Parser:
    response = client.get(address)
    assert response.status_code == 200, address
    return Parser(response.content.decode())


# Pages.


@pytest.mark.parametrize("address", ADDRESSES)
def test_a_page_of_the_guide_is_complete(client, address):
    page = parsed(client, address)
    language = "en" if address.startswith("/en/") else "zh-hans"
    assert ("html", {"lang": language}) in page.elements
    assert [tag for tag, _ in page.elements].count("h1") == 1
    assert len(page.ids) == len(set(page.ids))
    # A strict Content-Security-Policy forbids all of these.
    assert not any("style" in attrs or "onclick" in attrs for _, attrs in page.elements)
    assert all("src" in attrs for tag, attrs in page.elements if tag == "script")
    navigation = {href for href in page.values("a", "href") if "/guide/" in href}
    assert navigation >= {f"{LANGUAGES[language]}/guide/{name}/" for name in NAMES}


def test_a_block_of_code_says_in_which_file_it_stands(client):
    page = client.get("/en/guide/own-app/").content.decode()
    captions = re.findall(r"<figcaption><code>(.+?)</code></figcaption>", page)
    assert captions == [block.file for block in blocks() if block.topic == "own-app" and block.file]


def test_every_link_and_anchor_of_the_guide_resolves(client):
    pages = {address: parsed(client, address) for address in ADDRESSES}
    for address, page in pages.items():
        for href in page.values("a", "href"):
            parts = urlsplit(href)
            if parts.scheme:
                assert parts.scheme == "https", href
                continue
            target = parts.path or address
            with override("en" if target.startswith("/en/") else "zh-hans"):
                resolve(target)
            if "/guide/" in target:
                assert target in pages, f"{address} links to {href}"
                anchor = unquote(parts.fragment)
                assert not anchor or anchor in pages[target].ids, f"{address} links to {href}"


@pytest.mark.parametrize("name", NAMES)
def test_a_topic_without_a_translation_is_shown_in_english_and_says_so(client, name):
    page = client.get(f"/guide/{name}/").content.decode()
    untranslated = "这一篇还没有译成中文" in page
    assert untranslated != (FOLDER / "zh_hans" / f"{name}.md").exists()
    language = "en" if untranslated else "zh-hans"
    assert f'<article class="prose" lang="{language}">' in page
    assert "这一篇" not in client.get(f"/en/guide/{name}/").content.decode()


@pytest.mark.parametrize("address", ["/guide/nothing/", "/en/guide/nothing/", "/guide/../"])
def test_an_unknown_topic_is_not_found(client, address):
    assert client.get(address).status_code == 404


def test_a_page_is_cached_until_it_changes(client):
    first = client.get("/en/guide/settings/")
    assert first["Cache-Control"] == "public, max-age=300"
    assert "Cookie" not in first.get("Vary", "")
    again = client.get("/en/guide/settings/", headers={"If-None-Match": first["ETag"]})
    assert again.status_code == 304


# Files.


def test_every_topic_has_a_file_and_every_file_a_topic():
    assert {path.stem for path in (FOLDER / "en").iterdir()} == set(NAMES)
    assert {path.stem for path in (FOLDER / "zh_hans").iterdir()} <= set(NAMES)


@pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic.name)
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_topic_has_the_same_title_in_the_navigation_and_on_its_page(topic, language):
    written = topic.language(language)
    with override(written):
        assert topic.text(written).startswith(f"# {topic.title}\n\n")


@pytest.mark.parametrize("path", sorted(FOLDER.rglob("*.md")), ids=lambda path: path.stem)
def test_the_links_of_a_file_also_work_where_the_file_is_read(path):
    for link in re.findall(r"\]\(([^)]+)\)", path.read_text()):
        if not link.startswith("https://"):
            assert (FOLDER / "en" / link.partition("#")[0]).exists(), link


def test_a_translation_has_the_same_code_as_its_original():
    translated = list(blocks("zh_hans"))
    topics = {block.topic for block in translated}
    assert translated == [block for block in blocks("en") if block.topic in topics]


@pytest.mark.parametrize(
    "block", list(blocks()), ids=lambda block: f"{block.topic}-{block.language}"
)
def test_a_block_of_code_has_a_known_mark_and_compiles(block):
    assert block.language
    assert block.run in ("", *RUNS)
    if block.language == "python":
        compile(block.code, f"{block.topic}.md", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)


# What the files must mention.


def text(name: str) -> str:
    return (FOLDER / "en" / f"{name}.md").read_text()


def test_every_setting_and_its_default_is_documented():
    for name, default in {**DEFAULTS, **chat.DEFAULTS}.items():
        duration = isinstance(default, timedelta)
        value = repr(default).removeprefix("datetime.") if duration else default
        value = '""' if value == "" else value
        assert f"| `{name}` | `{value}` |" in text("settings")


def test_every_environment_variable_is_documented():
    source = (ROOT / "streamsite" / "settings.py").read_text()
    names = set(re.findall(r'environment\.\w+\(\s*"([A-Z_]+)"', source))
    assert "DATABASE_URL" in names
    section = text("settings").partition("## The environment variables")[2]
    assert {name for name in names if f"`{name}`" not in section} == set()


def test_every_system_check_is_documented():
    modules = ["streams/checks.py", "streams/setting_checks.py", "chat/checks.py"]
    source = "".join((ROOT / "streamsite" / module).read_text() for module in modules)
    known = set(re.findall(r'id="((?:streams|chat)\.[EW]\d+)"', source))
    assert set(re.findall(r"`((?:streams|chat)\.[EW]\d+)`", text("settings"))) == known


@pytest.mark.parametrize(
    "name",
    ["doctor", "follow", "offlinemodel", "prunestreams", "pruneconversations", "publish"],
)
def test_every_option_of_a_command_is_documented(name):
    def options(command: BaseCommand) -> set[str]:
        return set(re.findall(r"--[a-z-]+", command.create_parser("manage.py", name).format_help()))

    own = options(load_command_class(get_commands()[name], name)) - options(BaseCommand())
    everything = "".join(text(topic) for topic in NAMES)
    assert {option for option in own if option not in everything} == set()


def error_classes() -> Iterator[type[errors.StreamError]]:
    for value in vars(errors).values():
        if isinstance(value, type) and issubclass(value, errors.StreamError):
            yield value


def test_every_error_is_documented_with_its_status_and_close_code():
    for error in error_classes():
        if error is not errors.StreamError:
            rows = [row for row in text("errors").splitlines() if f"`{error.__name__}`" in row]
            assert any(row.startswith(f"| {error.status} | {error.close_code} |") for row in rows)
