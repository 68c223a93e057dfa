"""The code that the article shows."""

import html
import re

from demos import consumers, views

SHOWN = {
    "demos.views.polling": views.polling,
    "demos.views.chunked": views.chunked,
    "demos.views.events": views.events,
    "demos.consumers.ArticleConsumer": consumers.ArticleConsumer,
}


def code_in(page: str) -> list[str]:
    """Return the text of a page's code boxes, without the colours."""
    boxes = re.findall(r'<figure class="source">.*?<pre[^>]*>(.*?)</pre>', page, re.DOTALL)
    return [html.unescape(re.sub(r"<[^>]+>", "", box)) for box in boxes]
