"""The page to ask a model on. Its script talks to the endpoints of the chat."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from streamsite.chat.conf import setting, source_problem


@require_safe
@never_cache
def ask(request: HttpRequest) -> HttpResponse:
    """Show the page. Without a model, the page says how to give the site one."""
    # Any endpoint of the chat tells where the project has mounted the chat.
    chat = reverse("chat:conversations").removesuffix("conversations")
    context = {"chat": chat, "problem": source_problem(), "most": setting("CHAT_MAX_LENGTH")}
    return render(request, "demos/ask.html", context)
