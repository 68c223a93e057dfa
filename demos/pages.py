"""The pages of the article, of the lab and of the guide."""

from functools import cache

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import get_language
from django.views.decorators.cache import cache_control, never_cache
from django.views.decorators.http import conditional_page, require_safe

from .guide.markdown import Page, anchors_of
from .guide.markdown import render as render_markdown
from .guide.topics import ENGLISH, TOPICS

# Seconds for which a browser or a proxy keeps a page of the guide before it asks again.
GUIDE_SECONDS = 300


def language() -> str:
    """Return the language of the page, such as "en"."""
    return get_language() or "zh-hans"


def article(request: HttpRequest) -> HttpResponse:
    """Show the article in the language of the URL. Each language has a template of its own."""
    return render(request, f"demos/article_{language().replace('-', '_')}.html")


@require_safe
@never_cache
def lab(request: HttpRequest) -> HttpResponse:
    """Show the lab, where one live stream is read in four ways at once."""
    return render(request, "demos/lab.html")


@require_safe
@never_cache
def lab_stop(request: HttpRequest) -> HttpResponse:
    """Show the page that stops the visitor's run from another tab."""
    return render(request, "demos/lab_stop.html")


@require_safe
@conditional_page
@cache_control(public=True, max_age=GUIDE_SECONDS)
def guide(request: HttpRequest) -> HttpResponse:
    """Show the list of the guide's topics."""
    return render(request, "demos/guide.html", {"topics": TOPICS})


@require_safe
@conditional_page
@cache_control(public=True, max_age=GUIDE_SECONDS)
def guide_topic(request: HttpRequest, name: str) -> HttpResponse:
    """Show one topic of the guide: in the language of the URL, or in English if it has no other."""
    place = next((i for i, topic in enumerate(TOPICS) if topic.name == name), None)
    if place is None:
        raise Http404
    topic = TOPICS[place]
    written = topic.language(language())
    return render(
        request,
        "demos/guide_topic.html",
        {
            "topics": TOPICS,
            "topic": topic,
            "before": TOPICS[place - 1] if place else None,
            "after": TOPICS[place + 1] if place + 1 < len(TOPICS) else None,
            "page": topic_page(name, language(), written),
            "written": written,
            "translated": written == language(),
        },
    )


@cache
def topic_page(name: str, shown: str, written: str) -> Page:
    """Return a topic's page: the text in the language `written`, the links in `shown`."""
    topic = next(topic for topic in TOPICS if topic.name == name)
    return render_markdown(topic.text(written), written, anchors_of(topic.text(ENGLISH)))
