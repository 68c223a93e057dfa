"""The HTTP endpoints as an OpenAPI document."""

from django.http import HttpRequest, JsonResponse

from .endpoints import endpoint


@endpoint("GET")
async def document(request: HttpRequest) -> JsonResponse:
    """Answer the document."""
    return JsonResponse({"openapi": "3.1.0"})
