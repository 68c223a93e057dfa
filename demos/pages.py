"""The page of the article."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import get_language


def article(request: HttpRequest) -> HttpResponse:
    """Show the article in the language of the URL. Each language has a template of its own."""
    language = (get_language() or "zh-hans").replace("-", "_")
    return render(request, f"demos/article_{language}.html")
