import assert from "node:assert/strict";
import test from "node:test";

import { progressOf } from "../../streamsite/streams/static/streams/progress.js";

test("a value has a progress and a message, and both may be missing", () => {
  assert.deepEqual(progressOf({ progress: 0.42, message: "Reading" }), { progress: 0.42, message: "Reading" });
  assert.deepEqual(progressOf({ progress: 0 }), { progress: 0, message: "" });
  assert.deepEqual(progressOf({ message: "Reading", more: [1] }), { progress: null, message: "Reading" });
  assert.deepEqual(progressOf({ progress: null, message: null }), { progress: null, message: "" });
  assert.deepEqual(progressOf({}), { progress: null, message: "" });
});

test("a sum of fractions may be a little more than 1", () => {
  assert.equal(progressOf({ progress: 1 + 2 * Number.EPSILON }).progress, 1);
});

for (const value of [null, 0.42, "Reading", [0.42], { progress: 42 }, { progress: -0.1 }, { progress: "0.42" },
  { progress: NaN }, { message: 7 }, undefined]) {
  test(`${JSON.stringify(value)} says nothing about progress`, () => {
    assert.equal(progressOf(value), null);
  });
}
