/** `readAnswer()`: an answer is read to its end, over as many connections as that takes. */

import assert from "node:assert/strict";
import test from "node:test";

import { textOf } from "../../demos/static/demos/ask/answer.js";
import { Refusal } from "../../demos/static/demos/ask/api.js";
import { readAnswer } from "../../demos/static/demos/ask/reading.js";

const START = [{ type: "start", messageId: "m" }, { type: "text-start", id: "t" }];
const WORDS = ["One ", "two ", "three"].map((delta) => ({ type: "text-delta", id: "t", delta }));
const END = { type: "finish" };
const WHOLE = [...START, ...WORDS, END];
const LOST = new TypeError("network error");

/**
 * Read an answer over connections that a test plans: `[parts, last]`, where `last` is what the connection returns, an
 * error that it throws, or a promise of either.
 */
function plan(t, ...connections) {
  const controller = new AbortController();
  const seen = { opened: [], closed: 0, lost: 0, pauses: [], texts: [] };
  const { setTimeout } = globalThis;
  t.mock.method(globalThis, "setTimeout", (act, milliseconds) => {
    seen.pauses.push(milliseconds);
    if (!seen.paused) return setTimeout(act, 0);
    queueMicrotask(seen.paused);
    return undefined; // This pause has no end of its own.
  });
  const connect = (way) => async function* connection() {
    seen.opened.push(way);
    const [parts, last] = connections.shift() ?? [[], new Refusal(400, "the test plans no further connection")];
    try {
      yield* parts;
      const end = await last;
      if (end instanceof Error) throw end;
      return end;
    } finally {
      seen.closed += 1;
    }
  };
  seen.answer = readAnswer({
    begin: connect("begin"),
    resume: connect("resume"),
    signal: controller.signal,
    update: (answer, part) => {
      seen.texts.push(textOf(answer.message));
      seen.updated?.(part);
    },
    lost: () => { seen.lost += 1; },
  });
  seen.abort = (reason) => controller.abort(reason);
  return seen;
}

test("an answer is returned when it is complete, and shown part by part", async (t) => {
  const reading = plan(t, [WHOLE, true]);
  const answer = await reading.answer;
  assert.equal(answer.message.id, "m");
  assert.equal(answer.end, END);
  assert.deepEqual(reading.texts, ["", "", "One ", "One two ", "One two three", "One two three"]);
  assert.deepEqual([reading.opened, reading.lost], [["begin"], 0]);
});

test("where the server has no answer, there is none", async (t) => {
  assert.equal(await plan(t, [[], false]).answer, null);
});

for (const [name, error] of [
  ["a lost connection", LOST],
  ["a request that nobody answered", new Refusal(0)],
  ["a server that restarts", new Refusal(503)],
]) {
  test(`after ${name} the answer comes again, from its beginning`, async (t) => {
    const reading = plan(t, [[...START, WORDS[0]], LOST], [[], error], [WHOLE, true]);
    assert.equal(textOf((await reading.answer).message), "One two three");
    assert.deepEqual(reading.opened, ["begin", "resume", "resume"]);
    assert.deepEqual([reading.lost, reading.closed], [2, 3]);
  });
}

test("an answer that the server no longer has when the connection comes back is none", async (t) => {
  assert.equal(await plan(t, [START, LOST], [[], false]).answer, null);
});

test("a connection that is lost before the first part is not repeated", async (t) => {
  const reading = plan(t, [[], LOST]);
  await assert.rejects(reading.answer, LOST);
  assert.deepEqual([reading.opened, reading.lost], [["begin"], 0]);
});

test("a refusal ends the reading, with the server's sentence", async (t) => {
  const refusal = new Refusal(404, "There is no such conversation.");
  const reading = plan(t, [START, LOST], [[], refusal]);
  await assert.rejects(reading.answer, refusal);
  assert.deepEqual(reading.opened, ["begin", "resume"]);
});

test("the pauses between connections grow, and are short again after a part", async (t) => {
  const losses = Array.from({ length: 5 }, () => [[], LOST]);
  const reading = plan(t, [START, LOST], ...losses, [START, LOST], [WHOLE, true]);
  await reading.answer;
  assert.deepEqual(reading.pauses, [300, 1000, 2000, 4000, 4000, 4000, 300]);
});

test("an abort between two parts ends the reading and closes the connection", async (t) => {
  const reading = plan(t, [WHOLE, true]);
  reading.updated = (part) => { if (part === WORDS[1]) reading.abort(new Error("enough")); };
  await assert.rejects(reading.answer, { message: "enough" });
  assert.equal(reading.texts.at(-1), "One two ");
  assert.equal(reading.closed, 1);
});

test("an abort that breaks the connection is no loss", async (t) => {
  let breakOff;
  const reading = plan(t, [START, new Promise((resolve) => { breakOff = resolve; })]);
  reading.updated = (part) => {
    if (part !== START[1]) return;
    reading.abort(new Error("enough"));
    breakOff(new DOMException("The user aborted a request.", "AbortError"));
  };
  await assert.rejects(reading.answer, { message: "enough" });
  assert.deepEqual([reading.opened, reading.lost], [["begin"], 0]);
});

test("an abort in the pause before a connection ends the reading at once", async (t) => {
  const reading = plan(t, [START, LOST]);
  reading.paused = () => reading.abort(new Error("enough"));
  await assert.rejects(reading.answer, { message: "enough" });
  assert.deepEqual(reading.opened, ["begin"]);
});
