"""The tables of the log: streams, their pieces, who watches, who may publish."""

from __future__ import annotations

import hashlib
import secrets
from typing import TYPE_CHECKING

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.utils import timezone, translation
from django.utils.translation import gettext_lazy as _

from .pieces import End

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser, AnonymousUser

# Seconds a piece in a replay.
MIN_PACE = 0.001
MAX_PACE = 60.0

NAME_PATTERN = "[A-Za-z0-9][A-Za-z0-9_-]{0,99}"

validate_name = RegexValidator(
    rf"^{NAME_PATTERN}\Z",
    _(
        "A stream's name has 1 to 100 of the characters A-Z, a-z, 0-9, - and _, "
        "the first a letter or a digit."
    ),
)


def new_private_name() -> str:
    """Return a name that nobody can guess (128 random bits)."""
    return secrets.token_hex(16)


class Stream(models.Model):
    """A numbered log of text pieces, and how it stands."""

    class State(models.TextChoices):
        LIVE = "live", _("live")
        DONE = "done", _("done")
        STOPPED = "stopped", _("stopped")
        FAILED = "failed", _("failed")
        INTERRUPTED = "interrupted", _("interrupted")

    class Visibility(models.TextChoices):
        PUBLIC = "public", _("everyone, and listed")
        LINK = "link", _("anyone with the link")
        OWNER = "owner", _("its owner and staff")

    class Split(models.TextChoices):
        CHAR = "char", _("by character")
        WORD = "word", _("by word")
        LINE = "line", _("by line")

    name = models.CharField(_("name"), max_length=100, unique=True, validators=[validate_name])
    title = models.CharField(_("title"), max_length=200, blank=True)
    state = models.CharField(
        _("state"), max_length=12, choices=State, default=State.LIVE, editable=False
    )
    reason = models.TextField(_("reason"), blank=True, editable=False)
    visibility = models.CharField(
        _("who may watch"), max_length=8, choices=Visibility, default=Visibility.PUBLIC
    )
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        verbose_name=_("owner"),
        null=True,
        blank=True,
        related_name="streams",
    )
    split = models.CharField(_("split"), max_length=4, choices=Split, default=Split.WORD)
    pace = models.FloatField(
        _("pace"),
        default=0.1,
        validators=[MinValueValidator(MIN_PACE), MaxValueValidator(MAX_PACE)],
        help_text=_("Seconds a piece when replayed."),
    )

    revision = models.PositiveIntegerField(_("revision"), default=0, editable=False)
    pieces = models.PositiveIntegerField(_("pieces"), default=0, editable=False)
    length = models.PositiveBigIntegerField(_("length"), default=0, editable=False)
    sha256 = models.CharField(_("SHA-256"), max_length=64, blank=True, editable=False)
    started_at = models.DateTimeField(_("started"), default=timezone.now, editable=False)
    ended_at = models.DateTimeField(_("ended"), null=True, editable=False)

    # The fencing token of the one producer that may write, and until when it counts as alive.
    fence = models.CharField(max_length=64, blank=True, editable=False)
    leased_until = models.DateTimeField(null=True, editable=False)

    class Meta:
        verbose_name = _("stream")
        verbose_name_plural = _("streams")
        ordering = ("-started_at", "-id")
        indexes = (models.Index(fields=("state", "-started_at")),)

    def __str__(self) -> str:
        return self.title or self.name

    @property
    def live(self) -> bool:
        return self.state == self.State.LIVE

    def end(self) -> End | None:
        """Return the record that ends the stream, or None while it is live."""
        if self.live:
            return None
        return End(self.state, self.pieces, self.sha256, self.reason, revision=self.revision)

    def visible_to(self, user: AbstractBaseUser | AnonymousUser) -> bool:
        """Tell whether this user may watch."""
        return self.visibility != self.Visibility.OWNER or self.stoppable_by(user)

    def stoppable_by(self, user: AbstractBaseUser | AnonymousUser) -> bool:
        """Tell whether this user may stop the stream: its owner and staff may."""
        owns = self.owner_id is not None and self.owner_id == user.pk
        return bool(
            user.is_authenticated and user.is_active and (owns or getattr(user, "is_staff", False))
        )


class Segment(models.Model):
    """Pieces committed together: a row a commit while the stream is live, one row in all after."""

    stream = models.ForeignKey(Stream, models.CASCADE, related_name="segments")
    first = models.PositiveIntegerField()
    end = models.PositiveIntegerField(help_text=_("The number after the last piece's."))
    text = models.TextField()
    # Packed by packing.pack: the pieces' lengths in characters, and when each came, in ms since the
    # stream began.
    lengths = models.BinaryField()
    times = models.BinaryField()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("stream", "first"), name="one_segment_from_a_number"),
        )

    def __str__(self) -> str:
        return f"{self.stream_id}: {self.first}-{self.end}"


class Watch(models.Model):
    """How many readers one server process has on one stream and transport, as it last said."""

    process = models.CharField(max_length=32)
    stream = models.ForeignKey(Stream, models.CASCADE, related_name="watches")
    transport = models.CharField(max_length=12)
    viewers = models.PositiveIntegerField()
    seen_at = models.DateTimeField()

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("process", "stream", "transport"), name="one_watch_a_process"
            ),
        )

    def __str__(self) -> str:
        return f"{self.viewers} × {self.transport}"


class PublishToken(models.Model):
    """A publisher's key. Only its hash is kept: the key itself is shown once, when it is made."""

    label = models.CharField(_("label"), max_length=100, help_text=_("Whose it is, and what for."))
    digest = models.CharField(max_length=64, unique=True, editable=False)
    hint = models.CharField(_("begins with"), max_length=8, editable=False)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.CASCADE,
        verbose_name=_("owner"),
        null=True,
        blank=True,
        help_text=_("The streams it publishes belong to this user."),
    )
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    last_used_at = models.DateTimeField(_("last used"), null=True, editable=False)
    revoked_at = models.DateTimeField(_("revoked"), null=True, blank=True, editable=False)

    class Meta:
        verbose_name = _("publisher token")
        verbose_name_plural = _("publisher tokens")
        ordering = ("-created_at",)

    def __str__(self) -> str:
        return f"{self.label} ({self.hint}…)"

    @staticmethod
    def hashed(key: str) -> str:
        # The key has 256 random bits, so one round of a plain hash is as good as many.
        return hashlib.sha256(key.encode()).hexdigest()

    @classmethod
    def bearing(cls, key: str) -> PublishToken | None:
        """Return the token with this key unless it was revoked, and note that it was used."""
        token = cls.objects.filter(digest=cls.hashed(key), revoked_at=None).first()
        if token is not None:
            cls.objects.filter(pk=token.pk).update(last_used_at=timezone.now())
        return token

    def issue(self) -> str:
        """Give this token a new key and return it. The caller saves the token."""
        key = secrets.token_urlsafe(32)
        self.digest, self.hint = self.hashed(key), key[:6]
        return key


def name_problem(name: str) -> str:
    """Return what is wrong with a stream's name, or ""."""
    try:
        validate_name(name)
    except ValidationError as error:
        # In the words of all other refusals, whatever the language of the site's pages.
        with translation.override(None):
            return str(error.messages[0])
    return ""
