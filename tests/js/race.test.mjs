/** A race of the lab: what it makes of the answers to how the run stands. The server and the panels are planned. */

import assert from "node:assert/strict";
import test from "node:test";

import { Race } from "../../demos/static/demos/lab/race.js";
import { Refused } from "../../demos/static/demos/lab/runs.js";

const LIVE = { state: "live", pieces: 0, length: 0, sha256: "" };
const DONE = { ...LIVE, state: "done" };
const RUN = {
  id: "r", process: "first", adopted: false, state: "running", stream: LIVE, options: {},
  first: 0, pieces: [], count: 0, length: 0, sha256: null, events: [], slow: [], now: 0,
};
const ADOPTED = { ...RUN, process: "second", adopted: true, state: "ended", options: null };

/** A panel that reads until the race closes it. */
class Panel {
  transport = "sse";
  source = "engine";
  racing = false;
  closed = [];
  watches = 0;
  figures = { verified: null };
  start() { this.racing = true; }
  settle() {}
  watch() { this.watches += 1; }

  close(state) {
    this.racing = false;
    this.closed.push(state);
  }

  outcome() {
    const watched = this.watches > 0;
    this.watches = 0;
    return watched ? { lost: 0 } : null;
  }
}

/** Start a race. `looks` are the answers to how the run stands, in turn; the last one is repeated. */
async function racing(t, { panels = [], looks = [RUN], look = () => nextOf(looks), harm }) {
  const { setTimeout } = globalThis;
  t.mock.method(globalThis, "setTimeout", (act) => setTimeout(act, 0));
  const runs = {
    clock: async () => 0,
    start: async () => RUN,
    look: async () => look(),
    harm,
  };
  const race = new Race(runs, { goOnline() {} }, panels);
  t.after(() => race.leave());
  await race.start({});
  return race;
}

function nextOf(looks) {
  return looks.length > 1 ? looks.shift() : looks[0];
}

function event(target, type) {
  return new Promise((resolve) => { target.addEventListener(type, resolve, { once: true }); });
}

test("what a process told of a slow reader stays when another process answers", async (t) => {
  const slow = [
    { transport: "chunked", state: "complete", lost: 3 },
    { transport: "sse", state: "not reading", lost: 5 },
    { transport: "websocket", state: "failed: Connection refused", lost: 7 },
  ];
  const race = await racing(t, { looks: [{ ...RUN, slow }, ADOPTED, { ...ADOPTED, stream: DONE }] });
  await event(race, "over");
  const outcomes = race.outcomes.map(({ fault, transport, state, lost }) => [fault, transport, state, lost]);
  assert.deepEqual(outcomes, [
    ["slow", "chunked", "complete", 3],
    ["slow", "sse", "failed", 5],
    ["slow", "websocket", "failed", 7],
  ]);
});

test("a race is not over while a slow reader of the process that answers reads", async (t) => {
  const ended = { ...RUN, state: "ended", stream: DONE };
  const reading = (state) => ({ ...ended, slow: [{ transport: "sse", state }] });
  const looks = [reading("not reading"), reading("catching up"), reading("complete")];
  const race = await racing(t, { looks });
  await event(race, "over");
  assert.deepEqual([looks.length, race.outcomes[0].state], [1, "complete"]);
});

test("an answer that comes after its race was left doesn't touch the panels, which read another run", async (t) => {
  const panel = new Panel();
  let answer;
  const look = () => new Promise((_, reject) => { answer = reject; });
  const race = await racing(t, { panels: [panel], look });
  let over = false;
  race.addEventListener("over", () => { over = true; });
  while (!answer) await new Promise((resolve) => { setTimeout(resolve, 0); });
  race.leave();
  panel.start();
  answer(new Refused(404, "There is no such run."));
  await new Promise((resolve) => { setTimeout(resolve, 0); });
  assert.deepEqual([panel.racing, over], [true, false]);
});

test("a fault that the server refuses is not among the faults, and has no outcome", async (t) => {
  const panel = new Panel();
  const race = await racing(t, {
    panels: [panel],
    harm: async (_id, fault) => {
      if (fault === "kill") throw new Refused(409, "The producer's process is starting.");
      return { at: 1, kind: fault };
    },
  });
  await race.harm("cut", { panel: "sse" });
  await assert.rejects(race.harm("kill"), Refused);
  assert.deepEqual(race.faults.map(({ fault }) => fault), ["cut"]);
  assert.deepEqual(race.outcomes.map(({ fault }) => fault), ["cut"]);
  assert.equal(panel.watches, 0);
});
