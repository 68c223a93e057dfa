"""The topics of the guide, in the order in which the guide presents them."""

from dataclasses import dataclass
from pathlib import Path

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

FOLDER = Path(__file__).parent
# The language in which every topic exists.
ENGLISH = "en"


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic of the guide. `name` is its part of the address, and the name of its files."""

    name: str
    title: Promise
    summary: Promise

    def language(self, wanted: str) -> str:
        """Return `wanted` if the topic has a file in that language, and English otherwise."""
        return wanted if self.path(wanted).exists() else ENGLISH

    def path(self, language: str) -> Path:
        """Return the path of the topic's file, such as en/settings.md. The file may not exist."""
        return FOLDER / language.replace("-", "_") / f"{self.name}.md"

    def text(self, language: str) -> str:
        """Return the topic's Markdown in a language in which the topic exists."""
        return self.path(language).read_text(encoding="utf-8")


TOPICS = (
    Topic(
        "own-app",
        _("Your own app"),
        _("Install the engine in your project, and stream the output of your code."),
    ),
    Topic(
        "visibility",
        _("Who may watch"),
        _("Public streams, streams known by their link, and private streams; who may stop one."),
    ),
    Topic(
        "reading",
        _("Reading a stream"),
        _("Read a stream from a page, JavaScript, Python, curl or a shell."),
    ),
    Topic(
        "publishing",
        _("Publishing a stream"),
        _("Publish from a Celery task, django.tasks, a management command, a shell or HTTP."),
    ),
    Topic(
        "chat",
        _("A chat in your Django project"),
        _("Answers of a model that stream, resume and stop: with a page of your own or useChat."),
    ),
    Topic(
        "testing",
        _("Testing"),
        _("Test the views, tasks and pages of your project that stream."),
    ),
    Topic(
        "production",
        _("In production"),
        _("Servers, several workers, PostgreSQL, Redis, nginx, static files and measurements."),
    ),
    Topic(
        "settings",
        _("Settings"),
        _("The environment variables of this site, and the settings of the engine."),
    ),
    Topic(
        "errors",
        _("Errors and close codes"),
        _("What the engine answers when a request can't succeed, and what a client should do."),
    ),
    Topic(
        "how-it-works",
        _("How it works"),
        _("The log, the bell, the hub and the producers: the way of a piece to its viewers."),
    ),
    Topic(
        "why",
        _("Why, and why not"),
        _("When to use the engine, when to use something else, and the known gaps."),
    ),
)
