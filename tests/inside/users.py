"""Make users, tokens and permissions, and read the admin's log."""

from datetime import timedelta

from django.contrib.admin.models import LogEntry
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY, get_user_model
from django.contrib.auth.models import Permission
from django.contrib.sessions.backends.db import SessionStore
from django.db.models import F

from streamsite.streams import PublishToken

# The functions for failed logins import axes, which only the site has among its apps.

User = get_user_model()


def make_people() -> dict[str, tuple[int, str, str]]:
    """Make an owner, a member of staff and a stranger.

    Return the primary key, session key and publisher's token of each.
    """
    found = {}
    for name in ("owner", "staff", "stranger"):
        staff = name == "staff"
        user = User(username=name, is_staff=staff, is_superuser=staff)
        user.set_unusable_password()
        user.save()
        session = SessionStore()
        session[SESSION_KEY] = str(user.pk)
        session[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
        session[HASH_SESSION_KEY] = user.get_session_auth_hash()
        session.save()
        found[name] = user.pk, str(session.session_key), make_token(name, user.pk)
    return found


def make_token(label: str, owner: int | None = None) -> str:
    """Make a publisher's token and return its key."""
    token = PublishToken(label=label, owner_id=owner)
    key = token.issue()
    token.save()
    return key


def token_with(label: str) -> tuple[int, str, str]:
    """Return the primary key, digest and hint of a token."""
    token = PublishToken.objects.get(label=label)
    return token.pk, token.digest, token.hint


def let_view_streams(user: int) -> None:
    """Make a user a member of staff who may view streams and nothing else."""
    found = User.objects.get(pk=user)
    found.is_staff = True
    found.save()
    found.user_permissions.set(Permission.objects.filter(codename="view_stream"))


def remove_from_staff(user: int) -> None:
    User.objects.filter(pk=user).update(is_staff=False)


def log_entries(stream: int) -> list[tuple[str, str]]:
    """Return who changed a stream in the admin, and how."""
    entries = LogEntry.objects.filter(object_id=stream)
    return [(entry.user.username, entry.change_message) for entry in entries]


def make_admin(name: str, password: str) -> None:
    User.objects.create_superuser(name, "", password)


def age_failed_logins(seconds: int) -> None:
    """Let all failed logins have happened earlier."""
    from axes.models import AccessAttempt

    earlier = F("attempt_time") - timedelta(seconds=seconds)
    AccessAttempt.objects.update(attempt_time=earlier)


def failed_logins() -> list[str]:
    """Return everything that is kept of the failed logins."""
    from axes.models import AccessAttempt

    return [str(row) for row in AccessAttempt.objects.values()]


def deactivate(user: int) -> None:
    User.objects.filter(pk=user).update(is_active=False)


def log_out(session: str) -> None:
    SessionStore(session).delete()
