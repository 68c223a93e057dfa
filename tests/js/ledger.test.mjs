import assert from "node:assert/strict";
import test from "node:test";

import { ConnectionLost, StreamCorrupt } from "../../streamsite/streams/static/streams/errors.js";
import { Ledger } from "../../streamsite/streams/static/streams/ledger.js";
import { endOf, pieces } from "./stream-server.mjs";

const TEXTS = ["流", "式", "\r\n", "😀"];

function ledgerOf(records, after = 0) {
  const ledger = new Ledger(after);
  for (const record of records) ledger.take(record);
  return ledger;
}

test("the cursor is the number of pieces taken", () => {
  assert.equal(ledgerOf(pieces(TEXTS)).cursor, "4");
  assert.equal(ledgerOf(pieces(["a"], { first: 17 }), "17").cursor, "18");
});

test("a repeated piece is dropped", () => {
  const ledger = ledgerOf(pieces(TEXTS));
  assert.equal(ledger.take({ n: 2, text: "\r\n" }), null);
  assert.equal(ledger.cursor, "4");
});

test("a piece after a gap is refused, and the cursor stays", () => {
  const ledger = ledgerOf(pieces(TEXTS));
  assert.throws(() => ledger.take({ n: 5, text: "?" }), ConnectionLost);
  assert.equal(ledger.cursor, "4");
});

test("a record of an unknown kind is ignored", () => {
  assert.equal(new Ledger(0).take({ mood: "good" }), null);
});

test("the end is checked by number of pieces and by hash", async () => {
  const end = endOf(TEXTS);
  assert.deepEqual(await ledgerOf(pieces(TEXTS)).seal(end), { ...end, verified: true });
  await assert.rejects(ledgerOf(pieces(TEXTS)).seal({ ...end, n: 5 }), StreamCorrupt);
  await assert.rejects(ledgerOf(pieces(TEXTS.slice(1), { first: 1 }), 1).seal({ ...end, n: 3 }), StreamCorrupt);
  await assert.rejects(ledgerOf(pieces(TEXTS)).seal(endOf(["x", "", "", ""])), StreamCorrupt);
});

test("a text that was not read from its first piece is not verified", async () => {
  const ledger = ledgerOf(pieces(TEXTS.slice(1), { first: 1 }), 1);
  assert.equal((await ledger.seal(endOf(TEXTS))).verified, false);
});

test("no text is verified without SubtleCrypto", async (t) => {
  t.mock.getter(globalThis, "crypto", () => ({}));
  assert.equal((await ledgerOf(pieces(TEXTS)).seal(endOf(TEXTS))).verified, false);
});

test("a reset to 0 hashes the new text only", async () => {
  const ledger = ledgerOf([{ n: 9, text: "old" }, { reset: 0, why: "edited", rev: 2 }], 9);
  assert.equal(ledger.cursor, "2.0");
  for (const piece of pieces(TEXTS, { rev: 2 })) ledger.take(piece);
  assert.equal(ledger.cursor, "2.4");
  assert.equal((await ledger.seal(endOf(TEXTS))).verified, true);
});

test("a reset to an earlier piece keeps the pieces before it", async () => {
  const ledger = ledgerOf([...pieces(["流", "?", "?"]), { reset: 1, why: "" }, ...pieces(TEXTS.slice(1), { first: 1 })]);
  assert.equal((await ledger.seal(endOf(TEXTS))).verified, true);
});

test("a text is not verified after a reset that skips pieces", async () => {
  const ledger = ledgerOf([...pieces(["流"]), { reset: 3, why: "pruned" }, { n: 3, text: "😀" }]);
  assert.equal((await ledger.seal(endOf(TEXTS))).verified, false);
});

test("a piece of another revision is refused, unless it is the first piece", () => {
  const ledger = ledgerOf(pieces(TEXTS, { rev: 2 }));
  assert.equal(ledger.cursor, "2.4");
  assert.throws(() => ledger.take({ n: 4, text: "x", rev: 3 }), ConnectionLost);
});

for (const cursor of ["", "abc", "-1", "1.5.2", "1e3", " 1", NaN, 1e300]) {
  test(`${JSON.stringify(cursor)} is not a cursor`, () => {
    assert.throws(() => new Ledger(cursor), RangeError);
  });
}
