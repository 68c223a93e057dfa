"""The URLconf of the site, with a page that shows the progress of a stream."""

from django.http import HttpRequest, HttpResponse
from django.template import engines
from django.urls import path

from streamsite.urls import urlpatterns as urls_of_site

PAGE = """<!doctype html>
{% load i18n static streams %}{% get_current_language as lang %}
<html lang="{{ lang }}">
<head>
<meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark">
<link rel="stylesheet" href="{% static 'demos/css/tokens.css' %}">
<link rel="stylesheet" href="{% static 'demos/css/base.css' %}">
<title>Import</title>
</head>
<body><main><h1>Import</h1>
{% if label %}{% stream_progress name label=label %}{% else %}{% stream_progress name %}{% endif %}
</main></body>
</html>
"""


def progress(request: HttpRequest, name: str) -> HttpResponse:
    template = engines["django"].from_string(PAGE)
    page = template.render({"name": name, "label": request.GET.get("label")}, request)
    return HttpResponse(page)


urlpatterns = [path("progress/<str:name>/", progress), *urls_of_site]
