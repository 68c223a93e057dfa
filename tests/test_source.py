"""The template tag that shows the running code."""

import html
import inspect
import re
from pathlib import Path

import pytest

from demos import consumers, views
from demos.templatetags.source import source

from .raw import http
from .site import Site

SHOWN = {
    "demos.views.polling": views.polling,
    "demos.views.chunked": views.chunked,
    "demos.views.events": views.events,
    "demos.consumers.ArticleConsumer": consumers.ArticleConsumer,
}


def code_in(page: str) -> list[str]:
    """Return what the code boxes of a page show, without their colours."""
    boxes = re.findall(r'<figure class="source">.*?<pre[^>]*>(.*?)</pre>', page, re.DOTALL)
    return [html.unescape(re.sub(r"<[^>]+>", "", box)) for box in boxes]


@pytest.mark.parametrize("path", SHOWN)
def test_the_code_shown_is_the_code_that_runs(path):
    (shown,) = code_in(source(path))
    running = inspect.unwrap(SHOWN[path])
    assert shown.strip() == inspect.getsource(running).strip()
    assert f"<code>{Path(inspect.getsourcefile(running)).parent.name}/" in source(path)


@pytest.mark.parametrize("page", ["/", "/en/"])
def test_the_article_shows_all_four_in_order(site: Site, page):
    shown = code_in(http.get(site.address, page).text)
    where = [
        next(
            number
            for number, box in enumerate(shown)
            if inspect.getsource(inspect.unwrap(code)).strip() in box
        )
        for code in SHOWN.values()
    ]
    assert where == sorted(set(where))
