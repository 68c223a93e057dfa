"""The stream that the four demos of the article play."""

from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured

from streamsite.streams import Stream, TooLarge, log
from streamsite.streams.querysets import home

NAME = "article"
PACE = 0.1  # seconds a piece


def create_article(using: str, **_signal: Any) -> None:
    """Create the article's stream from `article.txt` if the database does not have it yet.

    `using` is the database that was migrated. Another one may lack the engine's tables.
    """
    if using == home() and not Stream.objects.filter(name=NAME).exists():
        text = Path(__file__).with_name("article.txt").read_text(encoding="utf-8").rstrip("\n")
        article = Stream(
            name=NAME,
            title="一段正在路上的文字",
            visibility=Stream.Visibility.PUBLIC,
            split=Stream.Split.WORD,
            pace=PACE,
        )
        try:
            log.record(article, text)
        except TooLarge as error:
            raise ImproperlyConfigured(
                f"the STREAM_MAX_ limits are too small for the article's own stream: {error.detail}"
            ) from error
