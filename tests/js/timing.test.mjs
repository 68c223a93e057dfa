import assert from "node:assert/strict";
import test from "node:test";

import { Backoff, online, sleep } from "../../streamsite/streams/static/streams/timing.js";

test("the range of the pauses grows from 250 ms to 15 s, and starts at 0", (t) => {
  const random = t.mock.method(Math, "random", () => 1);
  const backoff = new Backoff();
  assert.deepEqual(
    Array.from({ length: 8 }, () => backoff.next()),
    [250, 500, 1000, 2000, 4000, 8000, 15_000, 15_000],
  );
  random.mock.mockImplementation(() => 0);
  assert.equal(backoff.next(), 0);
});

test("a reset makes the pauses short again", (t) => {
  t.mock.method(Math, "random", () => 1);
  const backoff = new Backoff();
  backoff.next();
  backoff.reset();
  assert.equal(backoff.next(), 250);
});

test("the range starts at the server's retry, even beyond 15 s", (t) => {
  t.mock.method(Math, "random", () => 1);
  const backoff = new Backoff();
  backoff.base = 3000;
  assert.deepEqual([backoff.next(), backoff.next()], [3000, 6000]);
  backoff.base = 60_000;
  assert.equal(backoff.next(), 60_000);
});

test("a sleep of 30 days doesn't overflow the timer", async (t) => {
  const asked = [];
  t.mock.method(globalThis, "setTimeout", (act, milliseconds) => {
    asked.push(milliseconds);
    queueMicrotask(act);
  });
  await sleep(30 * 24 * 3600 * 1000, new AbortController().signal);
  // A timer's time is a signed integer of 32 bits (WHATWG HTML, 8.6).
  assert.ok(asked[0] < 2 ** 31);
});

test("a sleep rejects with the signal's reason as soon as the signal aborts", async () => {
  const controller = new AbortController();
  const sleeping = sleep(60_000, controller.signal);
  controller.abort("enough");
  await assert.rejects(sleeping, (reason) => reason === "enough");
  await assert.rejects(sleep(60_000, controller.signal), (reason) => reason === "enough");
});

test("online() waits while the browser is offline", async (t) => {
  const { signal } = new AbortController();
  await online(signal);

  const target = new EventTarget();
  t.mock.method(target, "addEventListener");
  Object.assign(globalThis, {
    navigator: { onLine: false },
    addEventListener: target.addEventListener.bind(target),
    removeEventListener: target.removeEventListener.bind(target),
  });
  let back = false;
  const waiting = online(signal).then(() => { back = true; });
  await sleep(20, signal);
  assert.equal(back, false);
  target.dispatchEvent(new Event("online"));
  await waiting;
});
