"""The OpenAPI document is valid and complete, and agrees with the code."""

import json
import re
from typing import Any

import pytest
from django.urls import URLPattern

from streamsite.streams import conf, urls
from streamsite.streams.http import deliveries, openapi
from streamsite.streams.http.endpoints import endpoint_of
from streamsite.streams.models import Stream

METHODS = {"get", "post", "put", "patch", "delete", "head", "options", "trace"}

Json = dict[str, Any]


@pytest.fixture(scope="module")
def document() -> Json:
    return json.loads(json.dumps(openapi.describe("/stream")))


def operations(document: Json) -> dict[str, Json]:
    return {
        f"{method.upper()} {path}": operation
        for path, item in document["paths"].items()
        for method, operation in item.items()
        if method in METHODS
    }


def test_the_document_is_valid(document):
    validator = pytest.importorskip(
        "openapi_spec_validator", reason="openapi-spec-validator isn't installed"
    )
    validator.validate(document)


def test_the_document_has_all_endpoints_and_no_others(document):
    # OpenAPI can't describe a WebSocket.
    described = {path.removeprefix("/") for path in document["paths"]}
    there = {
        re.sub(r"<str:(\w+)>", r"{\1}", str(pattern.pattern))
        for pattern in urls.urlpatterns
        if isinstance(pattern, URLPattern) and endpoint_of(pattern.callback).websocket is None
    }
    assert described == there


def test_every_reference_has_a_target(document):
    for reference in re.findall(r'"\$ref": "#/([^"]+)"', json.dumps(document)):
        place = document
        for part in reference.split("/"):
            place = place[part]


def test_every_operation_has_a_name_and_a_summary(document):
    found = operations(document)
    names = [operation["operationId"] for operation in found.values()]
    assert len(names) == len(set(names)) == 6
    assert all(operation["summary"] for operation in found.values())


def test_limits_are_those_of_the_code(document):
    delivery = document["components"]["schemas"]["Delivery"]["properties"]
    for limit in ("STREAM_MAX_PIECE_LENGTH", "STREAM_MAX_PIECES", "STREAM_MAX_LENGTH"):
        assert f" {conf.DEFAULTS[limit]} " in delivery["pieces"]["description"]
    assert delivery["end"]["enum"] == list(deliveries.ENDS)
    assert document["components"]["schemas"]["State"]["enum"] == Stream.State.values
