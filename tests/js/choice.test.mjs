import assert from "node:assert/strict";
import test, { beforeEach } from "node:test";

import { Choice } from "../../streamsite/streams/static/streams/choice.js";

const kept = new Map();
globalThis.sessionStorage = {
  getItem: (key) => kept.get(key) ?? null,
  setItem: (key, value) => kept.set(key, value),
  removeItem: (key) => kept.delete(key),
};
beforeEach(() => kept.clear());

/** Let a choice fail several times. Return the transports it chose, and after which ones it pauses. */
function failing(choice, times) {
  return Array.from({ length: times }, () => {
    const { name } = choice;
    return choice.failed() ? name : `${name}, pause`;
  });
}

test("a named transport is the only choice, with a pause after each failure", () => {
  assert.deepEqual(failing(new Choice("sse"), 2), ["sse, pause", "sse, pause"]);
});

test("auto tries WebSocket to polling without a pause, then pauses and starts over", () => {
  assert.deepEqual(
    failing(new Choice("auto"), 5),
    ["websocket", "sse", "chunked", "polling, pause", "websocket"],
  );
});

test("a transport that works is remembered for the next reader, but not if it was named", () => {
  const choice = new Choice("auto");
  failing(choice, 2);
  choice.worked();
  assert.equal(new Choice("auto").name, "chunked");
  new Choice("polling").worked();
  assert.equal(new Choice("auto").name, "chunked");
});

test("a remembered transport that fails is forgotten", () => {
  kept.set("streamsite.transport", "chunked");
  const choice = new Choice("auto");
  assert.deepEqual(failing(choice, 4), ["chunked", "websocket", "sse", "polling, pause"]);
  assert.equal(new Choice("auto").name, "websocket");
});

test("a transport that has worked is tried three times more before the next one", () => {
  const choice = new Choice("auto");
  choice.failed();
  choice.worked();
  assert.deepEqual(
    failing(choice, 6),
    ["sse, pause", "sse, pause", "sse, pause", "sse", "websocket", "chunked"],
  );
});

test("an unknown name in the storage, or no storage, changes nothing", (t) => {
  kept.set("streamsite.transport", "carrier pigeon");
  assert.equal(new Choice("auto").name, "websocket");
  t.mock.method(sessionStorage, "getItem", () => { throw new Error("SecurityError"); });
  t.mock.method(sessionStorage, "setItem", () => { throw new Error("QuotaExceededError"); });
  const choice = new Choice("auto");
  choice.worked();
  assert.equal(choice.name, "websocket");
});
