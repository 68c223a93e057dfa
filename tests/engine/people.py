"""Users of a site, by the cookies and tokens that they send."""

from collections.abc import Mapping
from dataclasses import dataclass

from .publisher import Publisher

CSRF = "c" * 32


@dataclass(frozen=True)
class Person:
    """Somebody with a session and a publisher's token."""

    pk: int
    session: str
    token: str

    @property
    def cookies(self) -> Mapping[str, str]:
        return {"Cookie": f"sessionid={self.session}"}

    @property
    def form(self) -> Mapping[str, str]:
        """What a page's script sends with a request that changes something."""
        return {"Cookie": f"sessionid={self.session}; csrftoken={CSRF}", "X-CSRFToken": CSRF}

    @property
    def bearer(self) -> Mapping[str, str]:
        return {"Authorization": f"Bearer {self.token}"}


def introduce(publisher: Publisher) -> dict[str, Person]:
    """Make an owner, a member of staff and a stranger."""
    found = publisher.look(
        """
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY, get_user_model
from django.contrib.sessions.backends.db import SessionStore
found = {}
for name in ("owner", "staff", "stranger"):
    user = get_user_model()(username=name, is_staff=name == "staff", is_superuser=name == "staff")
    user.set_unusable_password()
    user.save()
    session = SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.save()
    token = PublishToken(label=name, owner=user)
    key = token.issue()
    token.save()
    found[name] = [user.pk, session.session_key, key]
answer(found)
"""
    )
    return {name: Person(*facts) for name, facts in found.items()}
