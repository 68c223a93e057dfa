"""Conversations and their messages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from streamsite.streams import HomeManager, Stream

from . import parts

if TYPE_CHECKING:
    from django.db.models.fields.related_descriptors import RelatedManager


class Conversation(models.Model):
    """Questions and answers under an id that the front end chose.

    A conversation belongs to a user, or to a visitor: a browser session that has not logged in.
    """

    key = models.CharField(_("id"), max_length=100, unique=True, editable=False)
    title = models.CharField(_("title"), max_length=200, blank=True)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.CASCADE,
        verbose_name=_("owner"),
        null=True,
        blank=True,
        related_name="conversations",
    )
    visitor = models.CharField(max_length=32, blank=True, db_index=True, editable=False)
    # The newest answer. While it is live, the conversation takes no other question.
    answer = models.ForeignKey(
        Stream,
        models.SET_NULL,
        verbose_name=_("answer"),
        null=True,
        editable=False,
        related_name="+",
    )
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    updated_at = models.DateTimeField(_("last question"), auto_now=True, db_index=True)

    objects = HomeManager()

    if TYPE_CHECKING:
        messages: RelatedManager[Message]

    class Meta:
        verbose_name = _("conversation")
        verbose_name_plural = _("conversations")
        ordering = ("-updated_at", "-id")

    def __str__(self) -> str:
        return self.title or self.key


class Message(models.Model):
    """A question, or an answer.

    The parts of an answer are in its stream until the answer has ended, and here from then on.
    """

    class Role(models.TextChoices):
        USER = "user", _("user")
        ASSISTANT = "assistant", _("assistant")

    conversation = models.ForeignKey(
        Conversation, models.CASCADE, verbose_name=_("conversation"), related_name="messages"
    )
    key = models.CharField(_("id"), max_length=100, editable=False)
    role = models.CharField(_("role"), max_length=9, choices=Role, editable=False)
    # A list of objects, as the AI SDK has them in `UIMessage.parts`, or null for an answer that is
    # still in its stream.
    parts = models.JSONField(_("parts"), null=True, editable=False)
    metadata = models.JSONField(_("metadata"), null=True, editable=False)
    # The stream is deleted with the message: see `signals`.
    stream = models.ForeignKey(
        Stream,
        models.SET_NULL,
        verbose_name=_("stream"),
        null=True,
        editable=False,
        related_name="+",
    )
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    objects = HomeManager()

    class Meta:
        verbose_name = _("message")
        verbose_name_plural = _("messages")
        ordering = ("id",)
        constraints = (models.UniqueConstraint("conversation", "key", name="chat_message_once"),)

    def __str__(self) -> str:
        return self.text[:80] or self.key

    @property
    def text(self) -> str:
        """The text of the message, without its other parts."""
        return parts.text_of(self.parts or ())

    def as_ui_message(self) -> dict[str, Any]:
        """Return the message as the AI SDK has it: `{"id", "role", "parts", "metadata"}`."""
        message = {"id": self.key, "role": self.role, "parts": self.parts or []}
        return message if self.metadata is None else message | {"metadata": self.metadata}
