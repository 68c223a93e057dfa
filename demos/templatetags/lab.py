"""A template tag that links a claim to the experiment which shows it."""

from django import template
from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext

register = template.Library()


@register.simple_tag
def proof(query: str) -> SafeString:
    """Link to the lab in the state that shows a claim. A site without the lab gets no link.

    {% proof "source=plain&fault=cut-all" %}

    `query` is a query as demos/static/demos/lab/links.js describes it.
    """
    try:
        lab = reverse("lab")
    except NoReverseMatch:  # LAB is off.
        return SafeString("")
    words = gettext("See it in the lab")
    return format_html('<a class="proof" href="{}?{}">{}</a>', lab, query, words)
