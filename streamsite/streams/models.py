"""The database tables of the engine: streams, and segments of pieces.

Django finds the tables of `tokens.py` and `bookkeeping.py` here. Only the modules of `log/` read
and write segments. A test checks this.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.urls import NoReverseMatch
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from . import bookkeeping, values  # noqa: F401 - for the tables of bookkeeping
from .names import address, validate_name
from .pieces import End
from .querysets import HomeManager, StreamQuerySet
from .tokens import PublishToken

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.contrib.auth.models import AbstractBaseUser, AnonymousUser

# Characters of the longest title.
TITLE_LENGTH = 200
# Seconds for each piece in a replay.
MIN_PACE = 0.001
MAX_PACE = 60.0


class Stream(models.Model):
    """A numbered log of pieces: its name, its format, its state and who may watch it."""

    class Format(models.TextChoices):
        TEXT = values.TEXT, _("text")
        JSON = values.JSON, _("JSON values")

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
    title = models.CharField(_("title"), max_length=TITLE_LENGTH, blank=True)
    state = models.CharField(
        _("state"), max_length=12, choices=State, default=State.LIVE, editable=False
    )
    reason = models.TextField(_("reason"), blank=True, editable=False)
    # The exception that ended a failed stream. Viewers see only the reason, because the text of an
    # exception may contain an address, a path or a key.
    failure = models.TextField(_("failure"), blank=True, editable=False)
    visibility = models.CharField(
        _("who may watch"), max_length=8, choices=Visibility, default=Visibility.LINK
    )
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        verbose_name=_("owner"),
        null=True,
        blank=True,
        related_name="streams",
    )
    # Chosen when the stream is created, and never changed.
    format = models.CharField(_("format"), max_length=4, choices=Format, default=Format.TEXT)
    split = models.CharField(_("split"), max_length=4, choices=Split, default=Split.WORD)
    pace = models.FloatField(
        _("pace"),
        default=0.1,
        validators=[MinValueValidator(MIN_PACE), MaxValueValidator(MAX_PACE)],
        help_text=_("Seconds for each piece when the stream is replayed."),
    )

    revision = models.PositiveIntegerField(_("revision"), default=0, editable=False)
    pieces = models.PositiveIntegerField(_("pieces"), default=0, editable=False)
    length = models.PositiveBigIntegerField(_("length"), default=0, editable=False)
    sha256 = models.CharField(_("SHA-256"), max_length=64, blank=True, editable=False)
    started_at = models.DateTimeField(_("started"), default=timezone.now, editable=False)
    ended_at = models.DateTimeField(_("ended"), null=True, editable=False)

    # How long the stream is kept after its end, and until when. Null is for ever. `expires_at` is
    # null while the stream is live.
    keep = models.DurationField(
        _("kept after its end for"), null=True, editable=False, help_text=_("Empty means for ever.")
    )
    expires_at = models.DateTimeField(
        _("kept until"),
        null=True,
        blank=True,
        help_text=_("The site removes the stream after this moment. Empty means never."),
    )

    # The fencing token of the one producer that may write, and the end of the producer's lease.
    # A reserved stream has no token yet, and its lease is the time in which its producer may come.
    fence = models.CharField(max_length=64, blank=True, editable=False)
    leased_until = models.DateTimeField(null=True, editable=False)
    # The token of a publisher over HTTP that created the stream.
    token = models.ForeignKey(
        PublishToken, models.SET_NULL, null=True, editable=False, related_name="+"
    )

    objects = HomeManager.from_queryset(StreamQuerySet)()

    if TYPE_CHECKING:
        # The address of the stream's page. Django adds this method to the class where the setting
        # ABSOLUTE_URL_OVERRIDES says which page of the site shows a stream, and only there.
        get_absolute_url: Callable[[], str]

    class Meta:
        verbose_name = _("stream")
        verbose_name_plural = _("streams")
        ordering = ("-started_at", "-id")
        indexes = (
            models.Index(fields=("state", "-started_at")),
            models.Index(fields=("expires_at",)),
        )

    def __str__(self) -> str:
        return self.title or self.name

    @property
    def live(self) -> bool:
        return self.state == self.State.LIVE

    @property
    def reserved(self) -> bool:
        """Whether the stream can be followed, and no producer has come yet."""
        return self.live and not self.fence

    def end(self) -> End | None:
        """Return the last record of the stream, or None while the stream is live."""
        if self.live:
            return None
        return End(self.state, self.pieces, self.sha256, self.reason, revision=self.revision)

    @classmethod
    def default_visibility(cls, owner_id: int | None) -> str:
        """Return the visibility of a new stream that was created without one."""
        return cls.Visibility.LINK if owner_id is None else cls.Visibility.OWNER

    def watchable_by(self, user: AbstractBaseUser | AnonymousUser | None) -> bool:
        """Return whether this user may watch the stream. The default policy asks here."""
        return self.visibility != self.Visibility.OWNER or self.stoppable_by(user)

    def stoppable_by(self, user: AbstractBaseUser | AnonymousUser | None) -> bool:
        """Return whether this user may stop the stream. The owner and staff may."""
        if user is None or not (user.is_authenticated and user.is_active):
            return False
        owns = self.owner_id is not None and self.owner_id == user.pk
        return owns or bool(getattr(user, "is_staff", False))

    def copy_from(self, newer: Stream) -> None:
        """Take all values of `newer`, a later copy of this stream, as `refresh_from_db` does."""
        for field in self._meta.concrete_fields:
            setattr(self, field.attname, getattr(newer, field.attname))

    @property
    def text(self) -> str:
        """The text, or for a live stream the text so far. Each access is a query.

            Stream.objects.get(name="build").text  # "Hello, world"

        The text of a stream in the format `json` has one JSON value on each line. In asynchronous
        code, use `atext`.
        """
        return "".join(self._texts())

    async def atext(self) -> str:
        """Return the text as `text` does, in asynchronous code.

            stream = await find("build")
            text = await stream.atext()

        Each call is a query.
        """
        return "".join([text async for text in self._texts()])

    def _texts(self) -> models.QuerySet[Segment, str]:
        return self.segments.order_by("first").values_list("text", flat=True)

    @property
    def url(self) -> str:
        """The address that readers take, below which the endpoints of the stream are.

            stream.url  # "/stream/build", with path("stream/", include("streamsite.streams.urls"))

        Clients read from this address: `open(url)` in JavaScript, and `client.open(url)` in Python
        behind the scheme and the host. The endpoints are `{url}/chunked`, `{url}/events` and so on.

        Raises ImproperlyConfigured when the URLconf does not include the engine's URLs.
        """
        try:
            return address(self.name)
        except NoReverseMatch as error:
            raise ImproperlyConfigured(
                f"Stream {self.name!r} has no address, because the URLconf does not include the "
                "engine's URLs below a fixed path. "
                'Add path("stream/", include("streamsite.streams.urls")) to the URLconf.'
            ) from error


class Segment(models.Model):
    """Pieces that were committed together.

    A live stream has one segment for each commit. When the stream ends, its segments are folded
    into one.
    """

    # The index of the unique constraint serves the foreign key, too. SQLite writes a page of each
    # index for each stream of a commit: with a second index, commits took 1.6 times the CPU time.
    stream = models.ForeignKey(Stream, models.CASCADE, related_name="segments", db_index=False)
    first = models.PositiveIntegerField()
    end = models.PositiveIntegerField(help_text=_("The number after the number of the last piece."))
    text = models.TextField()
    # Packed by packing.pack: the length of each piece in characters, and the time of each piece in
    # milliseconds since the start of the stream.
    lengths = models.BinaryField()
    times = models.BinaryField()

    objects = HomeManager()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("stream", "first"), name="one_segment_from_a_number"),
        )

    def __str__(self) -> str:
        return f"{self.stream_id}: {self.first}-{self.end}"
