"""Streams of JSON values: published over HTTP, edited in the admin, replayed."""

import hashlib
import json
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.raw import http
from tests.site import Site

from .people import CSRF, Person, save
from .publisher import Publisher, Source, new_name
from .reading import TRANSPORTS, Reader, as_lines, bare_text, read_all
from .test_publishing import NDJSON, post

People = dict[str, Person]

VALUES: list[Any] = [{"a": "é\n\u2028"}, [1, 2.5, -0.0], "text", "", 0, False, None, {}, 10**30]


def finished(publisher: Publisher, *values: Any, **options: Any) -> Source:
    """Return the source of a finished stream of these values."""
    source = publisher.open(new_name("values"), format="json", **options)
    source.write(*values)
    source.end()
    return source


# Reading.


def test_the_chunked_text_is_one_value_a_line_and_has_the_sha256_of_the_end(
    backend_site: Site, publisher: Publisher
):
    source = finished(publisher, *VALUES)
    answer = http.get(backend_site.address, f"/stream/{source.name}/chunked")
    assert answer.headers["content-type"] == NDJSON
    assert [json.loads(line) for line in answer.body.split(b"\n")[:-1]] == VALUES
    end = read_all("chunked", backend_site.address, source.name)[-1]
    assert end["sha256"] == hashlib.sha256(answer.body).hexdigest()
    assert bare_text(backend_site.address, source.name, "7") == as_lines(VALUES[7:])


def test_the_records_have_the_values_as_data(backend_site: Site, publisher: Publisher):
    source = finished(publisher, *VALUES)
    for transport in TRANSPORTS:
        records = read_all(transport, backend_site.address, source.name)
        assert [record["data"] for record in records[:-1]] == VALUES
        assert all(record.keys() == {"n", "data"} for record in records[:-1])


def test_a_poll_says_that_its_pieces_are_values(backend_site: Site, publisher: Publisher):
    source = finished(publisher, "1", "2", "3")
    target = f"/stream/{source.name}/polling"
    first = http.get(backend_site.address, f"{target}?limit=2").json
    assert first == {"pieces": ["1", "2"], "after": 2, "state": "done", "format": "json"}
    assert http.get(backend_site.address, f"{target}?after=latest").json["pieces"] == ["3"]


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_replay_gives_the_values_again(backend_site: Site, publisher: Publisher, transport: str):
    source = finished(publisher, *VALUES)
    records = read_all(transport, backend_site.address, source.name, "2&pace=0.002")
    assert [record["data"] for record in records[:-1]] == VALUES[2:]


# Publishing over HTTP.


def test_values_are_published_over_http(backend_site: Site, people: People):
    owner, name = people["owner"], new_name("posted")
    first = post(backend_site, name, {"pieces": VALUES, "n": 0}, owner, query="?format=json")
    assert (first.status, first.json["after"]) == (202, len(VALUES))
    # The stream has its format now, so that the parameter may be left out.
    lines = [
        {"data": {"end": "of the values"}, "n": len(VALUES)},
        {"data": "text"},
        {"end": "done"},
    ]
    last = post(backend_site, name, lines, owner, kind=NDJSON)
    assert (last.status, last.json["state"]) == (202, "done")
    reader = Reader(name).read("websocket", backend_site.address)
    assert reader.texts == [*VALUES, {"end": "of the values"}, "text"]


BAD = {
    "not JSON": (400, b'{"data": {"a": }}\n', "Line 2: The line is not JSON at column 16"),
    "not UTF-8": (400, b'{"data": "\xff"}\n', "Line 2: The line is not UTF-8: byte 10"),
    "NaN": (400, b'{"data": {"a": [NaN]}}\n', "Line 2: The number at $.a[0] is nan"),
    "a number too large": (400, b'{"data": 1e999}\n', "Line 2: The number at $ is inf"),
    "half a surrogate pair": (400, b'{"data": ["\\ud83d"]}\n', "Line 2: The text at $[0] has half"),
    "a text": (
        400,
        {"text": "x"},
        'Line 2: The stream has the format json, so a line must be {"data"',
    ),
    "no data": (400, {"n": 1}, 'Line 2: A line must be {"data": …} or {"end": "done"}.'),
    "too large": (413, {"data": ["x" * 65_536]}, "Line 2: The value, as JSON text, has 65540 char"),
    "nested too deep": (400, b'{"data":' + b"[" * 300 + b"]" * 300 + b"}\n", "nested deeper than"),
}


@pytest.mark.parametrize("bad", BAD)
def test_a_line_that_is_no_value_is_refused_by_its_number_and_the_lines_before_are_kept(
    backend_site: Site, people: People, bad: str
):
    owner, name = people["owner"], new_name("bad-line")
    status, line, sentence = BAD[bad]
    lines = [{"data": 0}, line, {"data": 2}]
    answer = post(backend_site, name, lines, owner, kind=NDJSON, query="?format=json")
    assert (answer.status, answer.json["after"]) == (status, 1)
    assert sentence in answer.json["detail"]
    post(backend_site, name, {"pieces": [1], "end": "done"}, owner)
    assert Reader(name).read("polling", backend_site.address).texts == [0, 1]


def test_the_format_of_a_stream_is_fixed(backend_site: Site, people: People):
    owner, name = people["owner"], new_name("fixed")
    post(backend_site, name, {"pieces": ["text"]}, owner)
    values = post(backend_site, name, {"pieces": [{"a": 1}]}, owner)
    assert (values.status, 'format="json"' in values.json["detail"]) == (400, True)
    data = post(backend_site, name, [{"data": "x"}], owner, kind=NDJSON)
    assert (data.status, "has the format text" in data.json["detail"]) == (400, True)
    other = post(backend_site, name, {"pieces": ["x"]}, owner, query="?format=json")
    assert (other.status, "has the format text" in other.json["detail"]) == (409, True)
    unknown = post(backend_site, name, {"pieces": ["x"]}, owner, query="?format=xml")
    assert (unknown.status, "text, json" in unknown.json["detail"]) == (400, True)


# Editing.


def test_an_edit_of_the_lines_makes_a_new_revision(
    backend_site: Site, publisher: Publisher, people: People
):
    source = finished(publisher, {"a": 1}, "two")
    # A browser sends line ends as CRLF.
    text = '{ "a" : 1.50 }\r\n\r\n["x", "\\u00e9"]\r\n'
    answer = save(backend_site, publisher, source.name, people["staff"], text=text)
    assert answer.status == 302, answer.text
    reader = Reader(source.name).read("sse", backend_site.servers[-1].address)
    assert (reader.texts, reader.revision) == ([{"a": 1.5}, ["x", "é"]], 1)


def test_an_edit_with_a_line_that_is_not_json_is_refused_and_the_error_names_the_line(
    backend_site: Site, publisher: Publisher, people: People
):
    source = finished(publisher, {"a": 1})
    text = '{"a": 1}\r\n{"b": }'
    answer = save(backend_site, publisher, source.name, people["staff"], text=text)
    assert answer.status == 200
    assert "Line 2: The line is not JSON at column 7: Expecting value." in answer.text
    assert Reader(source.name).read("polling", backend_site.address).texts == [{"a": 1}]


def test_saving_other_fields_keeps_the_values_as_they_are(
    backend_site: Site, publisher: Publisher, people: People
):
    source = finished(publisher, *VALUES)
    answer = save(
        backend_site,
        publisher,
        source.name,
        people["staff"],
        title="Renamed",
        text=as_lines(VALUES),
    )
    assert answer.status == 302, answer.text
    reader = Reader(source.name).read("chunked", backend_site.address)
    assert (reader.texts, reader.revision) == (VALUES, 0)


@pytest.mark.parametrize("text", ['{"a": 1}\r\n[2]', '{"a": 1}\r\n[2'], ids=["JSON", "not JSON"])
def test_staff_create_a_stream_of_values_in_the_admin(
    backend_site: Site, people: People, text: str
):
    name = new_name("typed")
    fields = {
        "csrfmiddlewaretoken": CSRF,
        "name": name,
        "visibility": "link",
        "format": "json",
        "text": text,
        "split": "word",
        "pace": "0.1",
    }
    answer = http.ask(
        backend_site.address,
        "/admin/streams/stream/add/",
        method="POST",
        headers={**people["staff"].form, "Content-Type": "application/x-www-form-urlencoded"},
        body=urlencode(fields).encode(),
    )
    if text.endswith("]"):
        assert answer.status == 302, answer.text
        reader = Reader(name).read("sse", backend_site.address)
        assert (reader.texts, reader.state) == ([{"a": 1}, [2]], "done")
    else:
        assert answer.status == 200
        assert "Line 2: The line is not JSON at column 3" in answer.text
