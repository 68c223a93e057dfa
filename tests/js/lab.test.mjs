/** The pure modules of the lab. */

import assert from "node:assert/strict";
import test from "node:test";

import { ServerClock } from "../../demos/static/demos/lab/clock.js";
import { csvOf } from "../../demos/static/demos/lab/downloads.js";
import { Events } from "../../demos/static/demos/lab/events.js";
import { Lags } from "../../demos/static/demos/lab/lags.js";
import { stateOf } from "../../demos/static/demos/lab/links.js";
import { NumbersText } from "../../demos/static/demos/lab/numbers-text.js";
import { Outage } from "../../demos/static/demos/lab/outages.js";
import { Tally } from "../../demos/static/demos/lab/tally.js";
import { stepPath } from "../../demos/static/demos/plot.js";

function tallyOf(...numbers) {
  const tally = new Tally();
  for (const n of numbers) tally.take(n);
  return [tally.pieces, tally.lost, tally.repeated];
}

test("the tally counts different pieces, gaps and repeats", () => {
  assert.deepEqual(tallyOf(), [0, 0, 0]);
  assert.deepEqual(tallyOf(0, 1, 2), [3, 0, 0]);
  assert.deepEqual(tallyOf(0, 1, 5, 6), [4, 3, 0]);
  assert.deepEqual(tallyOf(0, 1, 0, 1, 2), [3, 0, 2]);
});

test("a piece that comes late fills its gap", () => {
  assert.deepEqual(tallyOf(0, 3, 1), [3, 1, 0]);
});

test("pieces at the end that never came are lost", () => {
  const tally = new Tally();
  tally.take(0);
  tally.expect(10);
  assert.equal(tally.lost, 9);
});

test("a percentile is one of the lags, by the nearest rank", () => {
  const lags = new Lags();
  assert.equal(lags.percentile(0.5), null);
  for (let lag = 100; lag >= 1; lag -= 1) lags.add(lag);
  assert.equal(lags.percentile(0.5), 50);
  assert.equal(lags.percentile(0.99), 99);
  assert.equal(lags.percentile(1), 100);
  lags.add(1000);
  assert.equal(lags.percentile(1), 1000);
});

test("the clock's offset comes from the quickest answer, within half of the time that the answer took", async (context) => {
  let time = 0;
  context.mock.method(performance, "now", () => time);
  const waits = [30, 2, 20];
  const clock = await ServerClock.measure(async () => {
    time += waits.shift();
    return time + 5000;
  }, 3);
  assert.equal(clock.error, 1);
  assert.equal(clock.offset, 5001);
});

test("the text of numbers is cut into pieces wherever the reads are cut", () => {
  const texts = Array.from({ length: 120 }, (_, n) => `${n} `.padEnd(8, "·"));
  const whole = texts.join("");
  for (const step of [1, 3, 7, 8, 9, 100, whole.length]) {
    const text = new NumbersText(8);
    const found = [];
    for (let at = 0; at < whole.length; at += step) found.push(...text.feed(whole.slice(at, at + step)));
    assert.deepEqual(found, texts.map((piece, n) => ({ n, text: piece })), `in steps of ${step}`);
  }
});

test("a number that is longer than a piece is a piece", () => {
  assert.deepEqual(new NumbersText(1).feed("9 10 11 ").map(({ n }) => n), [9, 10, 11]);
});

test("what a process told stays known when an older answer, or another process, tells less", () => {
  const events = new Events();
  const [start, first, restart, adopted] = [
    { at: 1, kind: "start" },
    { at: 2, kind: "first" },
    { at: 3, kind: "restart" },
    { at: 4, kind: "adopted" },
  ];
  events.take([start]);
  events.take([restart]);
  events.take([start, first]);
  events.take([adopted]);
  events.take([{ ...adopted }]);
  assert.deepEqual(events.all, [start, first, restart, adopted]);
});

const BEFORE = { at: 1000, last: 990, lost: 0, repeated: 0, requests: 1 };

test("an outage is as long as the longest silence, and takes the requests of that silence", () => {
  const outage = new Outage(BEFORE);
  outage.heard(1050, 1);
  outage.heard(1600, 3);
  outage.heard(1650, 3);
  const after = { at: 1700, lost: 4, repeated: 1, requests: 3, over: true };
  assert.deepEqual(outage.close(after), { lost: 4, repeated: 1, silence: 550, requests: 2, recovered: true });
});

test("the silence in which the connection was lost counts, also if another one is longer", () => {
  const outage = new Outage(BEFORE);
  outage.heard(1050, 1);
  outage.lost();
  outage.heard(1150, 2);
  outage.heard(1500, 2);
  const { silence, requests } = outage.close({ at: 1600, lost: 0, repeated: 0, requests: 2, over: true });
  assert.deepEqual([silence, requests], [100, 1]);
});

test("a reader that stays silent hasn't recovered", () => {
  const outage = new Outage(BEFORE);
  outage.heard(1050, 1);
  const { silence, requests, recovered } = outage.close({ at: 9050, lost: 0, repeated: 0, requests: 5, over: false });
  assert.deepEqual([silence, requests, recovered], [8000, 4, false]);
});

test("a silence that was longer than the last one is over", () => {
  const outage = new Outage(BEFORE);
  outage.heard(3000, 2);
  assert.equal(outage.close({ at: 3100, lost: 0, repeated: 0, requests: 2, over: false }).recovered, true);
});

test("a link's state is read, and what isn't valid is left out", () => {
  const faults = ["cut", "kill"];
  assert.deepEqual(stateOf("?rate=50&fault=cut&panel=sse&source=plain", faults), {
    rate: 50, fault: "cut", panel: "sse", source: "plain",
  });
  assert.deepEqual(stateOf("?rate=0&fault=no&source=&size=1e9&text=%3Cb%3E&seconds=-1&tour=7", faults), {});
});

test("the CSV has a row for each panel, and an empty field for what isn't known", () => {
  const rows = csvOf([{ transport: "sse", source: "plain", pieces: 3, lost: null, p50: 1.25, verified: false }]).split("\r\n");
  assert.equal(rows.length, 3);
  assert.equal(rows[1], "sse,plain,,3,,,1.3,,,,,false");
});

test("a plot's line ends at the last count", () => {
  const curve = [{ at: 0, count: 0 }, { at: 50, count: 5 }, { at: 100, count: 10 }];
  assert.equal(stepPath(curve, { width: 100, height: 10, until: 100, most: 10 }), "M0 10H0V10H50V5H100V0V0H100");
});
