"""A template tag that shows source code from the module that is running."""

import inspect
from functools import cache
from pathlib import Path

from django import template
from django.conf import settings
from django.utils.html import format_html
from django.utils.module_loading import import_string
from django.utils.safestring import SafeString

from ..highlighting import highlighted

register = template.Library()


@register.simple_tag
@cache
def source(path: str) -> SafeString:
    """Show the highlighted source code of a function or class.

    {% source "demos.views.polling" %}
    """
    shown = inspect.unwrap(import_string(path))
    file = Path(inspect.getsourcefile(shown) or "").relative_to(settings.BASE_DIR)
    return format_html(
        '<figure class="source"><figcaption><code>{}</code></figcaption>'
        # With a tabindex the keyboard can scroll the code on a narrow screen.
        '<div class="highlight"><pre tabindex="0">{}</pre></div></figure>',
        file.as_posix(),
        highlighted(inspect.getsource(shown), "python"),
    )
