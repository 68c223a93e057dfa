"""Users of a site, with the cookies, tokens and forms that they send."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from tests.inside import streams, users
from tests.raw import http
from tests.site import Site

from .publisher import Publisher

CSRF = "c" * 32
# The path of the admin's list of streams.
STREAMS = "/admin/streams/stream/"


@dataclass(frozen=True)
class Person:
    """A user with a session and a publisher's token."""

    pk: int
    session: str
    token: str

    @property
    def cookies(self) -> Mapping[str, str]:
        """The headers of a request with the session's cookie."""
        return {"Cookie": f"sessionid={self.session}"}

    @property
    def form(self) -> Mapping[str, str]:
        """The headers with which a page's script sends a POST request."""
        return {"Cookie": f"sessionid={self.session}; csrftoken={CSRF}", "X-CSRFToken": CSRF}

    @property
    def bearer(self) -> Mapping[str, str]:
        """The headers of a request with the token."""
        return {"Authorization": f"Bearer {self.token}"}


def save(
    site: Site, publisher: Publisher, name: str, person: Person, **changes: str
) -> http.Response:
    """Send the admin's form for a stream as a browser does, with these fields changed."""
    pk = publisher.call(streams.primary_key, name)
    fields = {
        "title": "",
        "visibility": "public",
        "owner": "",
        "text": "",
        "split": "word",
        "pace": "0.1",
        **changes,
    }
    # A browser sends a text area with CRLF line ends (WHATWG HTML 4.10.21.4).
    fields["text"] = re.sub("\r\n|\r|\n", "\r\n", fields["text"])
    return send_form(site, f"{STREAMS}{pk}/change/", person, fields)


def write(site: Site, name: str, person: Person, text: str) -> None:
    """Write a finished stream in the admin."""
    fields = {"name": name, "visibility": "public", "format": "text", "text": text}
    answer = send_form(site, f"{STREAMS}add/", person, {**fields, "split": "word", "pace": "0.1"})
    assert answer.status == 302, answer.text


def delete(site: Site, publisher: Publisher, name: str, person: Person) -> None:
    """Delete a stream in the admin."""
    pk = publisher.call(streams.primary_key, name)
    answer = send_form(site, f"{STREAMS}{pk}/delete/", person, {"post": "yes"})
    assert answer.status == 302, answer.text


def delete_together(site: Site, publisher: Publisher, names: Sequence[str], person: Person) -> None:
    """Delete streams by the action of the admin's list."""
    fields = {
        "action": "delete_selected",
        "_selected_action": [publisher.call(streams.primary_key, name) for name in names],
        "post": "yes",
    }
    answer = send_form(site, STREAMS, person, fields)
    assert answer.status == 302, answer.text


def send_form(site: Site, path: str, person: Person, fields: Mapping[str, object]) -> http.Response:
    """Send a form of the admin as a browser does."""
    body = urlencode({"csrfmiddlewaretoken": CSRF, **fields}, doseq=True)
    return http.ask(
        site.servers[-1].address,
        path,
        method="POST",
        headers={**person.form, "Content-Type": "application/x-www-form-urlencoded"},
        body=body.encode(),
    )


def introduce(publisher: Publisher) -> dict[str, Person]:
    """Make an owner, a member of staff and a stranger."""
    found = publisher.call(users.make_people)
    return {name: Person(*facts) for name, facts in found.items()}
