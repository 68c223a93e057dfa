"""The HTTP endpoints of the article, which prints the code: three ways to send one stream."""

from django.http import JsonResponse, StreamingHttpResponse

from streamsite.streams import endpoint, find, piece, play, texts
from streamsite.streams.wire import sse

from .article import NAME, PACE


@endpoint("GET")
async def polling(request):
    """Answer with piece number `cnt`. Status 400 says that there are no more."""
    try:
        cnt = int(request.GET.get("cnt", 1))
    except ValueError:
        return JsonResponse({"detail": "cnt has to be a whole number from 0"}, status=400)
    text = await piece(await find(NAME), cnt)
    if text is None:
        return JsonResponse({"detail": "Invalid index"}, status=400)
    return JsonResponse({"message": text}, json_dumps_params={"ensure_ascii": False})


@endpoint("GET")
async def chunked(request):
    """Send each piece when it is due. The server makes a chunk of each."""
    pieces = texts(play(await find(NAME), every=PACE))
    return StreamingHttpResponse(pieces, content_type="text/plain; charset=utf-8")


@endpoint("GET")
async def events(request):
    """Send each piece as an event, and at the end an event on which the client closes."""

    async def body(pieces):
        async for text in pieces:
            # A piece that equals the end mark is sent in two parts.
            for part in ("E", "ND") if text == "END" else (text,):
                yield sse.event(part)
        yield sse.event("END")

    pieces = texts(play(await find(NAME), every=PACE))
    return StreamingHttpResponse(body(pieces), content_type=sse.CONTENT_TYPE)


@endpoint("GET", "POST")
async def unknown(request):
    """Answer with status 404 as JSON, because the clients of streams read no pages."""
    return JsonResponse({"detail": "There is no endpoint at this URL."}, status=404)
