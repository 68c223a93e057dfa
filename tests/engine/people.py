"""Users of a site, by the cookies, tokens and forms that they send."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from tests.raw import http
from tests.site import Site

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


def save(
    site: Site, publisher: Publisher, name: str, person: Person, **changes: str
) -> http.Response:
    """Send the admin's form for a stream, as a browser does."""
    pk = publisher.look(f"answer(Stream.objects.get(name={name!r}).pk)")
    fields = {
        "csrfmiddlewaretoken": CSRF,
        "title": "",
        "visibility": "public",
        "owner": "",
        "text": "",
        "split": "word",
        "pace": "0.1",
        **changes,
    }
    # A text area's line ends (WHATWG HTML 4.10.21.4).
    fields["text"] = re.sub("\r\n|\r|\n", "\r\n", fields["text"])
    return http.ask(
        site.servers[-1].address,
        f"/admin/streams/stream/{pk}/change/",
        method="POST",
        headers={**person.form, "Content-Type": "application/x-www-form-urlencoded"},
        body=urlencode(fields).encode(),
    )


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
