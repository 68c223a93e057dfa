import assert from "node:assert/strict";
import test from "node:test";

import { memberOf, partsOf, recordsOf, textOf } from "../../streamsite/streams/static/streams/records.js";

test("the parts of JSON are its elements, or its keys and values, as they stand there", () => {
  assert.deepEqual(partsOf("[1.0, [2,3] ,\"a,]\\\"\", {\"b\":[]}]"), ["1.0", "[2,3]", '"a,]\\""', '{"b":[]}']);
  assert.deepEqual(partsOf(' { "a" : {"b":1} , "c":null } '), ['"a"', '{"b":1}', '"c"', "null"]);
  assert.deepEqual(partsOf("[]"), []);
  assert.deepEqual(partsOf("{ }"), []);
});

test("a member is found by its key alone", () => {
  assert.equal(memberOf('{"why":"data","data":1e2}', "data"), "1e2");
  assert.equal(memberOf('{"why":"data"}', "data"), "");
});

test("only pieces with a value have a source", () => {
  assert.deepEqual(recordsOf('[{"n":0,"data":null},{"n":1,"text":"a"},{"end":"done","n":2}]'), [
    { n: 0, data: null, source: "null" }, { n: 1, text: "a" }, { end: "done", n: 2 },
  ]);
  assert.throws(() => recordsOf('{"n":'), SyntaxError);
});

test("a long value with many escapes is taken apart", () => {
  const source = JSON.stringify("\n".repeat(1_000_000));
  assert.equal(recordsOf(`{"n":0,"data":${source}}`)[0].source, source);
});

test("a value as text is a line, and a text stays as it is", () => {
  assert.equal(textOf({ n: 0, data: { a: "\n" } }), '{"a":"\\n"}\n');
  assert.equal(textOf({ n: 0, text: "a" }), "a");
});
