/** The lab's network, which goes offline, and the meter on it. */

import assert from "node:assert/strict";
import test from "node:test";

import { metered } from "../../demos/static/demos/lab/meter.js";
import { Network } from "../../demos/static/demos/lab/network.js";
import { Recording } from "../../demos/static/demos/recording.js";

/** A WebSocket that is open until a test, or its user, closes it. */
class Socket extends EventTarget {
  static CLOSED = 3;
  readyState = 1;
  closes = [];

  constructor() {
    super();
    this.addEventListener("close", ({ code }) => this.closes.push(code));
  }

  close(code = 1000, reason = "") {
    this.readyState = Socket.CLOSED;
    this.dispatchEvent(Object.assign(new Event("close"), { code, reason }));
  }
}

class CloseEvent extends Event {
  constructor(type, { code, reason = "" }) {
    super(type);
    this.code = code;
    this.reason = reason;
  }
}

Object.assign(globalThis, { WebSocket: Socket, EventSource: EventTarget, CloseEvent });

test("going offline breaks the open connections, and is not told to those that were closed before", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const network = new Network();
  const [closed, open] = [new network.WebSocket("ws://localhost/"), new network.WebSocket("ws://localhost/")];
  closed.close();
  network.goOffline(1000);
  assert.equal(open.closes[0], 1006);
  assert.deepEqual(closed.closes, [1000]);
});

test("the meter counts the whole close frame, and none where the connection broke", () => {
  const wire = new Recording();
  const { WebSocket } = metered({ WebSocket: Socket }, wire);
  new WebSocket("ws://localhost/").close(1006);
  assert.equal(wire.totals.framing, 0);
  new WebSocket("ws://localhost/").close(1000, "bye");
  assert.equal(wire.totals.framing, 2 + 2 + 3);
});
