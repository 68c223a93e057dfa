import assert from "node:assert/strict";
import test from "node:test";

import { EventStreamParser } from "../../streamsite/streams/static/streams/event-stream.js";

function parse(...parts) {
  const parser = new EventStreamParser();
  return parts.flatMap((part) => parser.feed(part));
}

const dataOf = (...parts) => parse(...parts).map(({ data }) => data);

// The examples of WHATWG HTML, 9.2.6.

test("three data lines make one event", () => {
  assert.deepEqual(dataOf("data: YHOO\ndata: +2\ndata: 10\n\n"), ["YHOO\n+2\n10"]);
});

test("a comment, an id, an empty id that resets it, and a second leading space that is kept", () => {
  const events = parse(": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event\n");
  assert.deepEqual(events, [
    { type: "message", data: "first event", lastEventId: "1" },
    { type: "message", data: "second event", lastEventId: "" },
  ]);
});

test("empty data makes an event, and an unfinished block makes none", () => {
  assert.deepEqual(dataOf("data\n\ndata\ndata\n\ndata:"), ["", "\n"]);
});

test("one space after the colon is dropped, and no more", () => {
  assert.deepEqual(dataOf("data:test\n\ndata: test\n\n"), ["test", "test"]);
  assert.deepEqual(dataOf("data:  two\n\ndata:\ttab\n\n"), [" two", "\ttab"]);
});

// What the grammar says beyond the examples.

test("a type applies to one event only, and a block without data makes no event", () => {
  const events = parse("event: end\ndata: a\n\ndata: b\n\nevent: lost\n\ndata: c\n\n");
  assert.deepEqual(events.map(({ type }) => type), ["end", "message", "message"]);
});

test("an id with a NUL is ignored, and an id without data is kept for the next event", () => {
  const events = parse("id: 1\ndata: a\n\nid: 2\0\ndata: b\n\nid: 3\n\ndata: c\n\n");
  assert.deepEqual(events.map(({ lastEventId }) => lastEventId), ["1", "1", "3"]);
});

test("retry accepts ASCII digits only", () => {
  const parser = new EventStreamParser();
  for (const value of ["", " ", "-1", "1.5", "1e3", "٣", "10 "]) {
    parser.feed(`retry: ${value}\n`);
    assert.equal(parser.retry, null, `retry: ${value}`);
  }
  parser.feed("retry: 0150\n");
  assert.equal(parser.retry, 150);
});

test("one byte order mark at the start of the stream is dropped", () => {
  assert.deepEqual(dataOf("\uFEFFdata: a\n\n"), ["a"]);
  assert.deepEqual(dataOf("\uFEFF\uFEFFdata: a\n\n"), []);
  assert.deepEqual(dataOf("data: a\n\n\uFEFFdata: b\n\n"), ["a"]);
});

test("field names are case-sensitive, and unknown fields are ignored", () => {
  assert.deepEqual(dataOf("Data: a\ndata : b\n data: c\nfoo: d\ndata: e\n\n"), ["e"]);
});

test("an event ends at a CR at once, even if the CR may be the first half of a CRLF", () => {
  const parser = new EventStreamParser();
  assert.equal(parser.feed("data: a\r\r").length, 1);
  assert.equal(parser.feed("\ndata: b\n\n").length, 1);
});

test("all kinds of line ends, with the stream split at every pair of positions", () => {
  const text = "\uFEFFdata: a\r\ndata: b\r\n\r\ndata: c\r\rdata: d\n\nid: 7\r\ndata\r\n: x\r\ndata: e\n\r\n";
  const expected = parse(text);
  assert.deepEqual(expected.map(({ data }) => data), ["a\nb", "c", "d", "\ne"]);
  for (let i = 0; i <= text.length; i += 1) {
    for (let j = i; j <= text.length; j += 1) {
      const parts = [text.slice(0, i), text.slice(i, j), text.slice(j)];
      assert.deepEqual(parse(...parts), expected, JSON.stringify(parts));
    }
  }
});

test("a long line in many parts", () => {
  const parser = new EventStreamParser();
  for (let i = 0; i < 10_000; i += 1) parser.feed(i ? "0123456789" : "data:");
  assert.equal(parser.feed("\n\n")[0].data.length, 99_990);
});
