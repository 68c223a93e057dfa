import assert from "node:assert/strict";
import test from "node:test";

import { Backoff, online, sleep } from "../../streamsite/streams/static/streams/timing.js";

test("waits grow from 250 ms to 15 s, and any shorter one is as likely", (t) => {
  const random = t.mock.method(Math, "random", () => 1);
  const backoff = new Backoff();
  assert.deepEqual(
    Array.from({ length: 8 }, () => backoff.next()),
    [250, 500, 1000, 2000, 4000, 8000, 15_000, 15_000],
  );
  random.mock.mockImplementation(() => 0);
  assert.equal(backoff.next(), 0);
});

test("progress makes them short again", (t) => {
  t.mock.method(Math, "random", () => 1);
  const backoff = new Backoff();
  backoff.next();
  backoff.reset();
  assert.equal(backoff.next(), 250);
});

test("the server's own time counts, even beyond the cap", (t) => {
  t.mock.method(Math, "random", () => 1);
  const backoff = new Backoff();
  backoff.base = 3000;
  assert.deepEqual([backoff.next(), backoff.next()], [3000, 6000]);
  backoff.base = 60_000;
  assert.equal(backoff.next(), 60_000);
});

test("a sleep of months is no busy loop", async (t) => {
  const asked = [];
  t.mock.method(globalThis, "setTimeout", (act, milliseconds) => {
    asked.push(milliseconds);
    queueMicrotask(act);
  });
  await sleep(30 * 24 * 3600 * 1000, new AbortController().signal);
  // More would be none (WHATWG HTML 8.6: a long, of 32 bits).
  assert.ok(asked[0] < 2 ** 31);
});

test("a sleep ends at once with the signal's reason", async () => {
  const controller = new AbortController();
  const sleeping = sleep(60_000, controller.signal);
  controller.abort("enough");
  await assert.rejects(sleeping, (reason) => reason === "enough");
  await assert.rejects(sleep(60_000, controller.signal), (reason) => reason === "enough");
});

test("offline, nothing goes on until the network is back", async (t) => {
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
