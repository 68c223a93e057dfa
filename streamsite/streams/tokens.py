"""The database table of publisher tokens, with which programs publish over HTTP."""

from __future__ import annotations

import hashlib
import secrets

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from .querysets import HomeManager


class PublishToken(models.Model):
    """A token with which a publisher publishes over HTTP.

    The database has only the SHA-256 of the token's key. The admin shows the key once, when the
    token is created.
    """

    label = models.CharField(
        _("label"), max_length=100, help_text=_("Who uses the token, and for what.")
    )
    digest = models.CharField(max_length=64, unique=True, editable=False)
    hint = models.CharField(_("begins with"), max_length=8, editable=False)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.CASCADE,
        verbose_name=_("owner"),
        null=True,
        blank=True,
        help_text=_("The streams published with this token belong to this user."),
    )
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    last_used_at = models.DateTimeField(_("last used"), null=True, editable=False)
    revoked_at = models.DateTimeField(_("revoked"), null=True, blank=True, editable=False)

    objects = HomeManager()

    class Meta:
        verbose_name = _("publisher token")
        verbose_name_plural = _("publisher tokens")
        ordering = ("-created_at",)

    def __str__(self) -> str:
        return f"{self.label} ({self.hint}…)"

    @staticmethod
    def hashed(key: str) -> str:
        # A key has 256 random bits, so nobody can guess one, and a slow hash would add no security.
        return hashlib.sha256(key.encode()).hexdigest()

    @classmethod
    def bearing(cls, key: str) -> PublishToken | None:
        """Return the token with this key, and record the time of use.

        Return None if there is no such token, the token was revoked or its owner is not active.
        """
        tokens = cls.objects.filter(digest=cls.hashed(key), revoked_at=None)
        token = tokens.select_related("owner").first()
        if token is not None and token.owner is not None and not token.owner.is_active:
            return None
        if token is not None:
            cls.objects.filter(pk=token.pk).update(last_used_at=timezone.now())
        return token

    def issue(self) -> str:
        """Give this token a new key, and return the key. The caller saves the token."""
        key = secrets.token_urlsafe(32)
        self.digest, self.hint = self.hashed(key), key[:6]
        return key
