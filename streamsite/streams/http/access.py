"""What a request may do. The endpoints ask here, and the project's policy answers."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.request import HttpHeaders
from django.middleware.csrf import CsrfViewMiddleware
from django.urls import ResolverMatch

from ..conf import setting
from ..errors import Forbidden, NoSuchStream, Removed, Unauthorized, Unseen
from ..log.database import in_database
from ..models import Stream
from ..reading.finding import find
from ..tokens import PublishToken
from ..writing.stopping import reason_of, stop, stop_with, write_down
from . import links
from .limits.publishers import check_wrong_tokens, count_token
from .middleware import demands_login
from .policy import User, policy

# The namespace of the engine's URLs.
ENGINE = "streams"


def login_required(match: ResolverMatch | None) -> bool:
    """Return whether LoginRequiredMiddleware demands a login at the address of `match`.

    `login_not_required` lifts the demand for a view, and STREAM_LOGIN_REQUIRED = False for the
    engine's own endpoints.
    """
    if not demands_login():
        return False
    if match is None:
        return True
    lifted = ENGINE in match.app_names and not setting("STREAM_LOGIN_REQUIRED")
    return not lifted and getattr(match.func, "login_required", True)


async def demand_login(request: HttpRequest) -> None:
    """Raise Unauthorized where the request needs a login and has none.

    A redirect to the login page, as LoginRequiredMiddleware answers, would lead the clients of
    streams to a page that they can't read.
    """
    if login_required(request.resolver_match) and not await in_database(is_known, request):
        raise Unauthorized("Log in first.")


def is_known(request: HttpRequest) -> bool:
    """Return whether the request comes from a user, a publisher, or a reader with a viewer link."""
    if policy().user(request).is_authenticated:
        return True
    match = request.resolver_match
    if match is None or ENGINE not in match.app_names or "name" not in match.kwargs:
        return False
    name = match.kwargs["name"]
    return links.opens(request, name) or _find_publisher(request, name) is not None


def _find_publisher(request: HttpRequest, name: str) -> PublishToken | User | None:
    """Return who publishes the stream `name`, or None. An anonymous user is nobody.

    Raises TooMany where the address has sent too many wrong tokens.
    """
    bears = "Authorization" in request.headers
    if bears:
        check_wrong_tokens(request)
    found = policy().publisher(request, name)
    known = isinstance(found, PublishToken) or (found is not None and found.is_authenticated)
    if bears:
        # A policy may know a user by the header.
        count_token(request, right=known or policy().user(request).is_authenticated)
    return found if known else None


async def find_watchable(request: HttpRequest, name: str, *, revision: int = 0) -> Stream:
    """Return the stream named `name`, if the request may watch the stream.

    Raises Unseen if there is no such stream or the request may not watch the stream, and Forbidden
    for an expired viewer link.
    """
    stream = await _find(name, revision=revision)
    if not await _may_watch(request, stream):
        raise Unseen(name)
    return stream


async def _find(name: str, *, revision: int = 0) -> Stream:
    """Return the stream named `name`. Raises Unseen, or Removed."""
    try:
        return await find(name, revision=revision)
    except NoSuchStream as error:
        if isinstance(error, Removed) and not error.private:
            raise
        raise Unseen(name) from None


async def _may_watch(request: HttpRequest, stream: Stream) -> bool:
    rules = policy()
    return rules.is_open(stream) or await in_database(rules.may_watch, request, stream)


def is_secret(stream: Stream, publisher: PublishToken | User) -> bool:
    """Return whether a publisher may not know of a stream: it is private, and somebody else's."""
    if not isinstance(publisher, PublishToken):
        return not stream.watchable_by(publisher)
    owns = publisher.owner_id is not None and publisher.owner_id == stream.owner_id
    return stream.visibility == Stream.Visibility.OWNER and not (
        owns or stream.token_id == publisher.pk
    )


async def publisher_of(request: HttpRequest, name: str) -> PublishToken | User:
    """Return who publishes the stream `name` with this request. Raises Unauthorized, Forbidden."""
    publisher = await in_database(_find_publisher, request, name)
    if publisher is None:
        raise _unauthorized(
            request,
            "Send the header `Authorization: Bearer <token>` to publish. "
            "Tokens are created in the admin.",
        )
    if not isinstance(publisher, PublishToken):
        await check_csrf(request)
    return publisher


async def stop_for(request: HttpRequest, stream: Stream) -> bool:
    """Stop a stream on behalf of the sender of a request. Return whether this ended the stream.

    The caller has made sure that no page of another site made the request.

    Raises Unauthorized if the sender is not known, and Forbidden if the sender may not stop the
    stream.
    """
    return await _stop_as(await _find_stopper(request, stream), stream)


async def _find_stopper(request: HttpRequest, stream: Stream) -> User | None:
    """Return the user who may stop a stream with this request, or None for an anonymous visitor.

    The default policy lets no anonymous visitor stop a stream.

    Raises Unauthorized, Forbidden.
    """

    def ask() -> tuple[bool, User | None]:
        rules = policy()
        user = rules.user(request)
        return rules.may_stop(request, stream), user if user.is_authenticated else None

    may, user = await in_database(ask)
    if not may and user is None:
        raise _unauthorized(request, "Log in to stop a stream. Its owner and staff may stop it.")
    if not may:
        raise Forbidden(f"Only the owner of stream {stream.name!r} and staff may stop it.")
    return user


async def _stop_as(user: User | None, stream: Stream) -> bool:
    """Stop a stream, and write down who did. Return whether this ended the stream."""
    stopped = await stop(stream, reason_of(user, stream))
    if stopped and user is not None:
        await in_database(write_down, user, stream)
    return stopped


async def stop_over_http(request: HttpRequest, name: str) -> None:
    """Stop a stream with a publisher token, or else as the user.

    Raises Unauthorized, Forbidden, and Unseen where there is no such stream or the sender may not
    watch the stream either.
    """
    publisher = None
    if "Authorization" in request.headers:
        publisher = await in_database(_find_publisher, request, name)
    stream = await _find(name)
    try:
        if isinstance(publisher, PublishToken):
            await stop_with(publisher, stream)
        else:
            # First, because a visitor without a login would send the CSRF token in vain.
            user = await _find_stopper(request, stream)
            await check_csrf(request)
            await _stop_as(user, stream)
    except (Unauthorized, Forbidden):
        if not await _may_watch(request, stream):
            raise Unseen(name) from None
        raise


def _unauthorized(request: HttpRequest, detail: str) -> Unauthorized:
    """Return the error for a sender who is not known. `detail` says what the request lacks."""
    if "Authorization" in request.headers:
        detail = "The token is unknown or was revoked. Tokens are created in the admin."
    return Unauthorized(detail)


async def check_csrf(request: HttpRequest) -> None:
    """Raise Forbidden when a page of another site may have made the request.

    A request with an Authorization header and without cookies comes from no such page, because a
    browser adds cookies by itself, and never adds this header by itself.
    """
    if "Authorization" in request.headers and not request.COOKIES:
        return
    # With CSRF_USE_SESSIONS the check reads the session from the database.
    if not await in_database(_passes_csrf, request):
        header = HttpHeaders.parse_header_name(settings.CSRF_HEADER_NAME)
        source = (
            "the page's CSRF token"
            if settings.CSRF_USE_SESSIONS
            else f"the value of the {settings.CSRF_COOKIE_NAME} cookie"
        )
        raise Forbidden(
            f"The CSRF token is missing or wrong. Send {source} in the {header} header."
        )


def _passes_csrf(request: HttpRequest) -> bool:
    def view(request: HttpRequest) -> HttpResponse:
        raise NotImplementedError("only Django's check runs")

    check = CsrfViewMiddleware(view)
    check.process_request(request)
    return check.process_view(request, view, (), {}) is None
