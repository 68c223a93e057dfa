"""The rendering of the guide's Markdown as HTML."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext, override
from markdown_it import MarkdownIt
from markdown_it.token import Token
from mdit_py_plugins.anchors import anchors_plugin

from ..highlighting import highlighted

# The comment that names the file of a block of code.
_MARK = re.compile(r"<!-- file: (\S+) -->\n")
# A link to another file of the guide, such as production.md#nginx.
_FILE = re.compile(r"(?P<topic>[a-z-]+)\.md(?P<anchor>#.+)?")


@dataclass(frozen=True, slots=True)
class Page:
    """A rendered file: its HTML, and the anchors and titles of its sections."""

    html: SafeString
    sections: Sequence[tuple[str, str]]


def render(text: str, language: str, anchors: Sequence[str]) -> Page:
    """Return a file of the guide, written in `language`, as a page.

    The headings get `anchors`, those of the English file, so that a link to a section works in
    every language. The links to other topics lead to their pages in the active language.

    HTML in the text is left out. A comment such as `<!-- file: shop/views.py -->` names the file of
    the block of code below the comment, and the page shows the name. Other comments tell the tests
    how to run a block: see tests/guide.py.
    """
    tokens = _markdown.parse(text)
    for heading, anchor in zip(_headings(tokens), anchors, strict=True):
        heading.attrs["id"] = anchor
    sections = [
        (str(opening.attrs["id"]), _plain(inline))
        for opening, inline in pairwise(tokens)
        if opening.type == "heading_open" and opening.tag == "h2"
    ]
    html = _markdown.renderer.render(tokens, _markdown.options, {"language": language})
    return Page(mark_safe(html), sections)  # noqa: S308 - the project's own files


def anchors_of(text: str) -> list[str]:
    """Return the anchors of a file's headings. GitHub gives a heading the same anchor."""
    return [str(heading.attrs["id"]) for heading in _headings(_markdown.parse(text))]


def _headings(tokens: Sequence[Token]) -> list[Token]:
    return [token for token in tokens if token.type == "heading_open" and "id" in token.attrs]


def _plain(inline: Token) -> str:
    """Return the text of a heading without its markup."""
    return "".join(child.content for child in inline.children or ())


def _heading_close(self: Any, tokens: Sequence[Token], i: int, options: Any, env: Any) -> str:
    """End a heading with a link to itself, whose label is in the language of the text."""
    anchor = tokens[i - 2].attrs.get("id")
    if anchor is None:
        return f"</{tokens[i].tag}>\n"
    with override(env["language"]):
        label = gettext("Link to this section: %(title)s") % {"title": _plain(tokens[i - 1])}
    link = format_html(' <a class="permalink" href="#{}" aria-label="{}">#</a>', anchor, label)
    return f"{link}</{tokens[i].tag}>\n"


def _fence(self: Any, tokens: Sequence[Token], i: int, *_rest: Any) -> str:
    """Return a block of code. With a tabindex the keyboard can scroll it on a narrow screen."""
    code = highlighted(tokens[i].content, tokens[i].info.strip() or "text")
    mark = _MARK.fullmatch(tokens[i - 1].content) if i else None
    caption = format_html("<figcaption><code>{}</code></figcaption>", mark[1]) if mark else ""
    return format_html(
        '<figure class="source">{}'
        '<div class="highlight"><pre tabindex="0">{}</pre></div></figure>\n',
        caption,
        code,
    )


def _link_open(self: Any, tokens: Sequence[Token], i: int, options: Any, env: Any) -> str:
    """Lead a link to another file to that topic's page."""
    href = str(tokens[i].attrs["href"])
    if file := _FILE.fullmatch(href):
        address = reverse("guide-topic", args=[file["topic"]])
        tokens[i].attrs["href"] = f"{address}{file['anchor'] or ''}"
    return self.renderToken(tokens, i, options, env)  # type: ignore[no-any-return]


def _table_open(self: Any, *_rest: Any) -> str:
    """Begin a table in a box that scrolls where the table is wider than the screen."""
    return '<div class="wide-table" tabindex="0"><table>\n'


def _table_close(self: Any, *_rest: Any) -> str:
    return "</table></div>\n"


def _nothing(self: Any, *_rest: Any) -> str:
    return ""


_markdown = MarkdownIt("commonmark", {"html": True}).enable("table")
_markdown.use(anchors_plugin, min_level=2, max_level=3)
for _rule, _function in {
    "heading_close": _heading_close,
    "fence": _fence,
    "link_open": _link_open,
    "table_open": _table_open,
    "table_close": _table_close,
    "html_block": _nothing,
    "html_inline": _nothing,
}.items():
    _markdown.add_render_rule(_rule, _function)
