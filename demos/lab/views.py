"""The endpoints of the lab: start a run, look at it, break it and end it."""

import json
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse

from streamsite.streams import BadRequest, Consumer, StreamError, check_csrf, endpoint

from . import faults, runs
from .account import now
from .description import described
from .offers import offers
from .options import read_options
from .runs import NoSuchRun
from .visitors import give_cookie, run_for, run_of

# Bytes of the body of a request. The keys and values are short.
MOST_BYTES = 2000
MOST_PIECES = 100_000


@endpoint("GET", "POST")
async def all_runs(request: HttpRequest) -> HttpResponseBase:
    """Return the visitor's run and what the lab offers, or POST to start a run."""
    former = run_of(request)
    if request.method == "POST":
        await check_csrf(request)
        options = read_options(read_body(request))
        if problem := offers()["texts"][options.text]:
            raise NotOffered(problem)
        run = await runs.start(options, former)
        response = _json(described(run, 0), status=201)
        give_cookie(response, request, run.id)
        return response
    found = None
    if former is not None:
        try:
            found = (await run_for(request, former)).id
        except NoSuchRun:
            found = None
    return _json({"run": found, "now": now(), "offers": offers()})


@endpoint("GET")
async def clock(request: HttpRequest) -> HttpResponseBase:
    """Return the time of this server in milliseconds since 1970."""
    return _json({"now": now()})


@endpoint("GET", "DELETE")
async def one_run(request: HttpRequest, run_id: str) -> HttpResponseBase:
    """Return the visitor's run, with the pieces from number `after` on, or DELETE it."""
    if request.method == "DELETE":
        await check_csrf(request)
        await runs.remove(await run_for(request, run_id))
        # The cookie stays: it may name the visitor's next run by the time this answer arrives.
        return HttpResponse(status=204)
    text = request.GET.get("after", "0")
    if not (text.isascii() and text.isdigit() and int(text[:9]) <= MOST_PIECES):
        raise BadRequest(f"after={text[:40]!r} is not valid. Use a whole number from 0.")
    run = await run_for(request, run_id)
    return _json(described(run, int(text[:9]), texts=request.GET.get("texts") == "1"))


@endpoint("POST")
async def cause_fault(request: HttpRequest, run_id: str) -> HttpResponseBase:
    """Break the visitor's run: `{"fault": "cut", "panel": "sse"}`."""
    await check_csrf(request)
    run = await run_for(request, run_id)
    body = read_body(request)
    event = await faults.cause(run, body, getattr(request, "scope", {}))
    return _json({"fault": body["fault"], **event}, status=202)


@endpoint("GET")
async def panel(request: HttpRequest, run_id: str, **_where: str) -> HttpResponseBase:
    """Say that there is no such run. Connections of a run go on to the engine: see panels.py."""
    raise NoSuchRun


class PanelConsumer(Consumer):
    """Say that there is no such run, as `panel` does."""

    async def connect(self) -> None:
        raise NoSuchRun


class NotOffered(StreamError):
    """The site lacks what the run would need."""

    status = 409
    close_code = 4409


def read_body(request: HttpRequest) -> dict[str, Any]:
    """Return the JSON object in the body of a request. Raises BadRequest."""
    data = request.read()
    if len(data) > MOST_BYTES:
        raise BadRequest(f"The body has {len(data)} bytes. Send at most {MOST_BYTES}.")
    try:
        body = json.loads(data or b"{}")
    except (ValueError, RecursionError):
        raise BadRequest('The body is not JSON. Send {"rate": 20}, for example.') from None
    if not isinstance(body, dict):
        raise BadRequest('The body is not a JSON object. Send {"rate": 20}, for example.')
    return body


def _json(answer: dict[str, Any], status: int = 200) -> JsonResponse:
    return JsonResponse(answer, status=status, json_dumps_params={"ensure_ascii": False})
