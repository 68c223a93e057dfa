"""Managers and querysets: which streams there are, and the database in which to look for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from django.apps import apps
from django.db import models, router
from django.db.models import Q

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser, AnonymousUser

    from .models import Stream  # noqa: F401 - mypy reads the annotations in quotes

M = TypeVar("M", bound=models.Model)


def home() -> str:
    """Return the alias of the database in which the engine reads and writes its tables.

    This is the database that the routers give for writing, because a replica may lack what was
    written a moment ago.
    """
    return router.db_for_write(apps.get_model("streams", "Stream"))


class HomeManager(models.Manager[M]):
    """A manager that reads, too, from the database that the routers give for writing."""

    def get_queryset(self) -> models.QuerySet[M]:
        return super().get_queryset().using(self._db or home())


class StreamQuerySet(models.QuerySet["Stream"]):
    """Streams. `Stream.objects` and `user.streams` have these methods, too.

        Stream.objects.live().visible_to(request.user)
        request.user.streams.ended().order_by("-ended_at")

    The methods chain, as those of every queryset do.
    """

    def live(self) -> StreamQuerySet:
        """Return the live streams, the reserved ones among them.

        A stream whose producer has died is live until a server ends the stream, within 10 s.
        """
        return self.filter(state=self.model.State.LIVE)

    def ended(self) -> StreamQuerySet:
        """Return the streams that have ended, in whatever state."""
        return self.exclude(state=self.model.State.LIVE)

    def visible_to(self, user: AbstractBaseUser | AnonymousUser | None) -> StreamQuerySet:
        """Return the streams that a list may show to this user.

        These are the public streams and the user's own, and all streams for staff. The streams of
        others that anyone with the link may watch are not among them, because the name of such a
        stream is its secret. Anonymous users, None and users that are not active get the public
        streams.

        This is the rule of the default policy. Where STREAM_POLICY names another policy, a list
        asks `policy().listed(request)` instead.
        """
        public = Q(visibility=self.model.Visibility.PUBLIC)
        if user is None or not (user.is_authenticated and user.is_active):
            return self.filter(public)
        if getattr(user, "is_staff", False):
            return self.all()
        return self.filter(public | Q(owner__isnull=False, owner=user.pk))
