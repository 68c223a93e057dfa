"""Source code with the markup that static/demos/css/code.css colours."""

from django.utils.safestring import SafeString, mark_safe
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_by_name


def highlighted(code: str, language: str) -> SafeString:
    """Return highlighted code, escaped for HTML.

    `language` is a short name of Pygments, such as "python". Raises ValueError for an unknown one.
    """
    html: str = highlight(code, get_lexer_by_name(language), HtmlFormatter(nowrap=True))
    return mark_safe(html)  # noqa: S308 - Pygments has escaped it
