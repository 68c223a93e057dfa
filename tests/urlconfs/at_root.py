"""A URLconf that includes the engine at the root, beside pages."""

from django.http import HttpResponse
from django.urls import include, path


def page(request):
    return HttpResponse("a page")


urlpatterns = [
    path("", include("streamsite.streams.urls")),
    path("", page),
    path("build/page", page),
]
