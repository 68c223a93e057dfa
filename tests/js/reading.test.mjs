/** `open()` on every transport, with a real server that fails in the ways a test plans. */

import assert from "node:assert/strict";
import test from "node:test";

import { open, stop, StreamCorrupt, StreamRefused } from "../../streamsite/streams/static/streams/streams.js";
import { TRANSPORTS, endOf, pieces, serve, sha256, valuePieces, whole } from "./stream-server.mjs";

const TEXTS = ["结合", "实例", "\r\n", "a\u2028b\0", "😀", "👩‍👩‍👧", "\n", "end"];

// After a failed handshake, browsers send the events error and close. Node 20 sends only error.
globalThis.WebSocket &&= class extends WebSocket {
  constructor(...args) {
    super(...args);
    this.addEventListener("error", () => {
      if (this.readyState !== WebSocket.CONNECTING) return;
      this.dispatchEvent(Object.assign(new Event("close"), { code: 1006, reason: "" }));
    });
  }
};

const runnable = TRANSPORTS.map((transport) => [
  transport,
  transport === "websocket" && !globalThis.WebSocket && "this Node needs --experimental-websocket",
]);

function everywhere(name, act) {
  for (const [transport, skip] of runnable) {
    test(`${transport}: ${name}`, { skip, timeout: 20_000 }, (t) => act(t, transport));
  }
}

// The pauses between attempts are random and not tested here.
Math.random = () => 0;

async function readAll(reader) {
  const records = [];
  for await (const record of reader) records.push(record);
  return records;
}

function assertWhole(records, texts = TEXTS) {
  assert.deepEqual(records.slice(0, -1), pieces(texts));
  assert.deepEqual(records.at(-1), { ...endOf(texts), verified: true });
}

everywhere("reads the whole stream", async (t, transport) => {
  const { url } = await serve(t, (question) => whole(TEXTS, question));
  assertWhole(await readAll(open(url, { transport })));
});

everywhere("opens its connections with the page's own network", async (t, transport) => {
  const { url } = await serve(t, (question, attempt) => (
    attempt === 1 ? { records: pieces(TEXTS.slice(0, 2)), then: "cut" } : whole(TEXTS, question)
  ));
  let opened = 0;
  const network = {
    fetch: (...args) => {
      opened += 1;
      return fetch(...args);
    },
    WebSocket: class extends WebSocket {
      constructor(...args) {
        super(...args);
        opened += 1;
      }
    },
  };
  assertWhole(await readAll(open(url, { transport, network })));
  assert.ok(opened >= 2);
});

everywhere("sends the cursor and the pace, and keeps the query of the stream's URL", async (t, transport) => {
  const { url, asked } = await serve(t, (question) => whole(TEXTS, question));
  const records = await readAll(open(`${url}/?key=1`, { transport, after: 3, pace: "recorded" }));
  assert.deepEqual(records.slice(0, -1), pieces(TEXTS.slice(3), { first: 3 }));
  assert.equal(records.at(-1).verified, false);
  const { after, pace, key } = asked[0];
  assert.deepEqual({ after, pace, key }, { after: "3", pace: "recorded", key: "1" });
});

// JSON that JavaScript would write in another way.
const SOURCES = ['{"a": [1.0, "]\\"},"], "data": "x"}', "1e400", "12345678901234567890", '"\u2028\\u0000"', "null", "[]", "-0.0", '""'];

everywhere("reads a stream of JSON values and verifies them", async (t, transport) => {
  const end = { end: "done", n: SOURCES.length, sha256: sha256(SOURCES.map((source) => `${source}\n`).join("")) };
  const { url } = await serve(t, ({ after }) => ({
    records: [...valuePieces(SOURCES.slice(Number(after)), { first: Number(after) }), end], then: "end",
  }));
  const records = await readAll(open(url, { transport }));
  assert.deepEqual(records.slice(0, -1), SOURCES.map((source, n) => ({ n, data: JSON.parse(source) })));
  assert.equal(records.at(-1).verified, true);
  const wrong = await serve(t, () => ({ records: [...valuePieces(SOURCES.map(() => "1")), end], then: "end" }));
  await assert.rejects(readAll(open(wrong.url, { transport })), StreamCorrupt);
});

everywhere("starts with the latest piece, and continues from there", async (t, transport) => {
  const { url, asked } = await serve(t, (question, attempt) => (
    attempt === 1
      ? { records: pieces(TEXTS.slice(4, 5), { first: 4, rev: 2 }), then: "cut" }
      : { records: [...pieces(TEXTS.slice(5), { first: 5, rev: 2 }), endOf(TEXTS, { rev: 2 })], then: "end" }
  ));
  const reader = open(url, { transport, after: "latest" });
  assert.equal(reader.cursor, "latest");
  const records = await readAll(reader);
  assert.deepEqual(records.slice(0, -1), pieces(TEXTS.slice(4), { first: 4, rev: 2 }));
  assert.equal(records.at(-1).verified, false);
  assert.deepEqual(asked.map(({ after }) => after), ["latest", "2.5"]);
});

everywhere("starts with the latest piece of a stream that begins", async (t, transport) => {
  const { url } = await serve(t, () => ({ records: [...pieces(TEXTS), endOf(TEXTS)], then: "end" }));
  assertWhole(await readAll(open(url, { transport, after: "latest" })));
  const empty = await serve(t, () => ({ records: [endOf([])], then: "end" }));
  assertWhole(await readAll(open(empty.url, { transport, after: "latest" })), []);
});

everywhere("reads a stream without pieces", async (t, transport) => {
  const { url } = await serve(t, (question) => whole([], question));
  assertWhole(await readAll(open(url, { transport })), []);
});

everywhere("resumes a stream that is cut after each piece", async (t, transport) => {
  const { url, asked } = await serve(t, ({ after }) => {
    const n = Number(after);
    return n < TEXTS.length
      ? { records: pieces([TEXTS[n]], { first: n }), then: "cut" }
      : { records: [endOf(TEXTS)], then: "end" };
  });
  assertWhole(await readAll(open(url, { transport })));
  assert.deepEqual(asked.map(({ after }) => Number(after)), [...TEXTS.keys(), TEXTS.length]);
});

function refusal({ transport }, status) {
  return transport === "websocket" ? { then: 4000 + status } : { status, detail: "because" };
}

everywhere("waits for a stream that doesn't exist yet", async (t, transport) => {
  const { url, asked } = await serve(t, (question, attempt) => (
    attempt > 3 ? whole(TEXTS, question) : refusal(question, 404)
  ));
  const links = [];
  const onlink = ({ state }) => links.push(state);
  assertWhole(await readAll(open(url, { transport, wait: true, onlink })));
  assert.equal(asked.length, 4);
  assert.equal(links.filter((state) => state === "waiting").length, 3);
  assert.equal(links.slice(links.indexOf("waiting")).filter((state) => state === "open").length, 1);
});

everywhere("stops waiting for a stream after its time", async (t, transport) => {
  const { url } = await serve(t, (question) => refusal(question, 404));
  const reading = readAll(open(url, { transport, wait: 0.05 }));
  await assert.rejects(reading, (error) => error instanceof StreamRefused && error.status === 404);
});

everywhere("doesn't wait for a stream that was removed", async (t, transport) => {
  const { url, asked } = await serve(t, (question) => refusal(question, 410));
  const reading = readAll(open(url, { transport, wait: true }));
  await assert.rejects(reading, (error) => error instanceof StreamRefused && error.status === 410);
  assert.equal(asked.length, 1);
});

everywhere("doesn't wait for a stream that it has found before", async (t, transport) => {
  const { url, asked } = await serve(t, (question, attempt) => (
    attempt > 1 ? refusal(question, 404) : { records: pieces(TEXTS.slice(0, 2)), then: "cut" }
  ));
  const reading = readAll(open(url, { transport, wait: true }));
  await assert.rejects(reading, (error) => error instanceof StreamRefused && error.status === 404);
  assert.equal(asked.length, 2);
});

test("a time to wait must be a number", () => {
  assert.throws(() => open("http://localhost/stream/build", { wait: "soon" }), RangeError);
});

everywhere("connects again after a missing end, a 503 and a 429", async (t, transport) => {
  const { url, asked } = await serve(t, (question, attempt) => [
    { records: pieces(TEXTS.slice(0, 2)), then: "end" },
    { status: 503, headers: { "Retry-After": "0" } },
    { status: 429 },
  ][attempt - 1] ?? whole(TEXTS, question));
  assertWhole(await readAll(open(url, { transport })));
  assert.equal(asked.length, 4);
});

everywhere("drops repeated pieces", async (t, transport) => {
  const { url } = await serve(t, () => ({
    records: [...pieces(TEXTS.slice(0, 5)), ...pieces(TEXTS.slice(2), { first: 2 }), endOf(TEXTS)],
    then: "end",
  }));
  // An answer of polling has one cursor for all its pieces, so that it can't contain a repeat.
  if (transport === "polling") return;
  assertWhole(await readAll(open(url, { transport })));
});

everywhere("connects again from its cursor after a gap", async (t, transport) => {
  const { url, asked, closed } = await serve(t, (question, attempt) => (attempt === 1
    ? { records: pieces(TEXTS.slice(3), { first: 3 }), then: "hold" }
    : whole(TEXTS, question)));
  assertWhole(await readAll(open(url, { transport })));
  assert.deepEqual(asked.map(({ after }) => after), ["0", "0"]);
  await until(() => closed.length === 2);
});

everywhere("yields a reset, and verifies the new text", async (t, transport) => {
  const reset = { reset: 0, why: "The text was edited.", rev: 2 };
  const { url, asked } = await serve(t, ({ after }) => {
    if (after === "0") return { records: pieces(["old"]), then: "cut" };
    if (after === "1") return { records: [reset, ...pieces(TEXTS.slice(0, 1), { rev: 2 })], then: "cut" };
    return {
      records: [...pieces(TEXTS.slice(1), { first: 1, rev: 2 }), endOf(TEXTS, { rev: 2 })],
      then: "end",
    };
  });
  const records = await readAll(open(url, { transport }));
  assert.deepEqual(records.slice(0, 2), [{ n: 0, text: "old" }, reset]);
  assert.deepEqual(records.slice(2, -1), pieces(TEXTS, { rev: 2 }));
  assert.equal(records.at(-1).verified, true);
  assert.deepEqual(asked.map(({ after }) => after), ["0", "1", "2.1"]);
});

everywhere("yields the reason of a failed stream", async (t, transport) => {
  const { url } = await serve(t, () => ({
    records: [...pieces(["a"]), endOf(["a"], { end: "failed", reason: "ValueError" })],
    then: "end",
  }));
  const end = (await readAll(open(url, { transport }))).at(-1);
  assert.deepEqual([end.end, end.reason], ["failed", "ValueError"]);
});

everywhere("throws if the hash or the number of pieces is wrong", async (t, transport) => {
  for (const wrong of [{ sha256: endOf(["x"]).sha256 }, { n: 9 }]) {
    const { url } = await serve(t, () => ({ records: [...pieces(TEXTS), endOf(TEXTS, wrong)], then: "end" }));
    // Polling takes the number from the answer's cursor, so that a wrong number is a gap.
    if (transport === "polling" && wrong.n) continue;
    await assert.rejects(readAll(open(url, { transport })), StreamCorrupt);
  }
});

everywhere("throws a refusal with the server's detail, without retrying", async (t, transport) => {
  const { url, asked } = await serve(t, () => (transport === "websocket"
    ? { then: 4404 }
    : { status: 404, detail: "because" }));
  await assert.rejects(readAll(open(url, { transport })), (error) => {
    assert.ok(error instanceof StreamRefused);
    assert.deepEqual([error.status, error.detail], [404, "because"]);
    return true;
  });
  assert.equal(asked.length, 1);
});

everywhere("an abort rejects at once, and closes the connection", async (t, transport) => {
  const { url, asked, closed } = await serve(t, ({ wait }) => (wait === "20"
    ? { raw: " ", then: "hold" }
    : { records: pieces(TEXTS.slice(0, 2)), then: "hold" }));
  const controller = new AbortController();
  const reader = open(url, { transport, signal: controller.signal });
  await reader.next();
  await reader.next();
  const pending = reader.next();
  setTimeout(() => controller.abort(), 30);
  await assert.rejects(pending, { name: "AbortError" });
  assert.equal((await reader.next()).done, true);
  await until(() => closed.length === asked.length);
});

everywhere("an abort closes the connection while no next() is pending", async (t, transport) => {
  const { url, asked, closed } = await serve(t, () => ({ records: pieces(TEXTS.slice(0, 2)), then: "hold" }));
  const controller = new AbortController();
  const reader = open(url, { transport, signal: controller.signal });
  await reader.next();
  controller.abort();
  await until(() => closed.length === asked.length);
  await assert.rejects(reader.next(), { name: "AbortError" });
});

everywhere("leaving the loop closes the connection", async (t, transport) => {
  const { url, asked, closed } = await serve(t, () => ({ records: pieces(TEXTS.slice(0, 2)), then: "hold" }));
  for await (const record of open(url, { transport })) {
    if (record.n === 1) break;
  }
  await until(() => closed.length === asked.length);
});

/** Let the timers of one length fire after 50 ms. */
function hasten(t, length) {
  const { setTimeout } = globalThis;
  t.mock.method(globalThis, "setTimeout", (act, milliseconds, ...more) => (
    setTimeout(act, milliseconds === length ? 50 : milliseconds, ...more)));
}

everywhere("connects again if the server doesn't answer for 10 s", async (t, transport) => {
  hasten(t, 10_000);
  const { url } = await serve(t, (question, attempt) => (attempt === 1 ? "silence" : whole(TEXTS, question)));
  const links = [];
  assertWhole(await readAll(open(url, { transport, onlink: (link) => links.push(link) })));
  assert.match(links.find(({ error }) => error).error.message, /10 s/);
});

everywhere("connects again if the connection is silent for 45 s", async (t, transport) => {
  hasten(t, 45_000);
  // On a busy machine an answer, too, may come after the 50 ms.
  const { url, asked } = await serve(t, (question) => (question.after === "0"
    ? { records: pieces(TEXTS.slice(0, 2)), then: "hold" }
    : whole(TEXTS, question)));
  assertWhole(await readAll(open(url, { transport })));
  assert.deepEqual([...new Set(asked.map(({ after }) => after))], ["0", "2"]);
});

everywhere("an abort ends the pause between two attempts", async (t, transport) => {
  const { url } = await serve(t, () => ({ status: 503, headers: { "Retry-After": "60" } }));
  const controller = new AbortController();
  const reading = readAll(open(url, { transport, signal: controller.signal }));
  setTimeout(() => controller.abort(new Error("enough")), 60);
  await assert.rejects(reading, { message: "enough" });
});

everywhere("opens no connection if the signal is already aborted", async (t, transport) => {
  const { url, asked } = await serve(t, (question) => whole(TEXTS, question));
  await assert.rejects(readAll(open(url, { transport, signal: AbortSignal.abort() })), { name: "AbortError" });
  assert.equal(asked.length, 0);
});

everywhere("changes to each other transport in mid-stream", async (t, transport) => {
  for (const [other, skip] of runnable) {
    if (skip || other === transport) continue;
    const { url, asked } = await serve(t, (question) => (Number(question.after) < 4
      ? { records: pieces(TEXTS.slice(Number(question.after)), { first: Number(question.after) }), then: "hold" }
      : whole(TEXTS, question)));
    const reader = open(url, { transport });
    const records = [];
    for await (const record of reader) {
      records.push(record);
      if (record.n === 3) reader.transport = other;
    }
    assertWhole(records);
    const { transport: used, after } = asked.at(-1);
    assert.deepEqual({ used, after }, { used: other, after: "4" });
  }
});

everywhere("changes the transport during the pause between two attempts", async (t, transport) => {
  t.mock.method(Math, "random", () => 1);
  const { url, asked } = await serve(t, (question) => (question.transport === transport
    ? { status: 503 }
    : whole(TEXTS, question)));
  const other = transport === "chunked" ? "sse" : "chunked";
  const reader = open(url, { transport });
  const reading = readAll(reader);
  setTimeout(() => { reader.transport = other; }, 60);
  assertWhole(await reading);
  assert.equal(asked.at(-1).transport, other);
});

everywhere("reports the states of the connection", async (t, transport) => {
  const { url } = await serve(t, (question, attempt) => (attempt === 1
    ? { records: [], then: "cut" }
    : whole(TEXTS, question)));
  const links = [];
  await readAll(open(url, { transport, onlink: (link) => links.push(link) }));
  assert.equal(links[0].state, "connecting");
  assert.deepEqual(links.slice(-2).map(({ state }) => state), ["connecting", "open"]);
  assert.ok(links.find(({ state }) => state === "lost").error);
  assert.ok(links.every((link) => link.transport === transport));
});

const needsWebSocket = { skip: runnable.at(-1)[1], timeout: 20_000 };

test("auto stays with the first transport that delivers a record", needsWebSocket, async (t) => {
  const { url, asked } = await serve(t, (question, attempt) => [
    { status: 403 },
    { records: [], then: "cut" },
    { records: pieces(TEXTS.slice(0, 2)), then: "cut" },
  ][attempt - 1] ?? whole(TEXTS, question));
  assertWhole(await readAll(open(url)));
  assert.deepEqual(asked.map(({ transport }) => transport), ["websocket", "sse", "chunked", "chunked"]);
});

test("auto starts over after polling", needsWebSocket, async (t) => {
  const { url, asked } = await serve(t, (question, attempt) => (attempt < 8
    ? { status: 502, records: [] }
    : whole(TEXTS, question)));
  assertWhole(await readAll(open(url)));
  const order = ["websocket", "sse", "chunked", "polling"];
  assert.deepEqual(asked.map(({ transport }) => transport), [...order, ...order]);
});

test("auto tries no other transport after a refusal", needsWebSocket, async (t) => {
  const { url, asked } = await serve(t, () => ({ status: 403, detail: "Not yours." }));
  await assert.rejects(readAll(open(url)), { status: 403, detail: "Not yours." });
  assert.deepEqual(asked.map(({ transport }) => transport), ["websocket", "sse"]);
});

test("waits as long as Retry-After asks", async (t) => {
  const { url, asked } = await serve(t, (question, attempt) => (attempt === 1
    ? { status: 503, headers: { "Retry-After": "1" } }
    : whole(TEXTS, question)));
  const start = performance.now();
  assertWhole(await readAll(open(url, { transport: "chunked" })));
  assert.ok(performance.now() - start >= 990);
  assert.equal(asked.length, 2);
});

test("pauses grow from the server's retry, and are short again after progress", async (t) => {
  const { url } = await serve(t, (question, attempt) => [
    { records: [], then: "cut" },
    { records: [], then: "cut" },
    { records: pieces(TEXTS.slice(0, 1)), then: "cut" },
  ][attempt - 1] ?? whole(TEXTS, question));
  const pauses = [];
  const { setTimeout } = globalThis;
  t.mock.method(Math, "random", () => 1);
  t.mock.method(globalThis, "setTimeout", (act, milliseconds, ...more) => {
    pauses.push(milliseconds);
    return setTimeout(act, milliseconds, ...more);
  });
  assertWhole(await readAll(open(url, { transport: "sse" })));
  assert.deepEqual(pauses.filter((pause) => pause % 100 === 0 && pause < 1000), [100, 200, 100]);
});

test("polling pauses between requests if the server ignores wait", async (t) => {
  const { url, asked } = await serve(t, () => ({ records: [], then: "hold" }));
  const controller = new AbortController();
  const reading = readAll(open(url, { transport: "polling", signal: controller.signal }));
  setTimeout(() => controller.abort(), 400);
  await assert.rejects(reading, { name: "AbortError" });
  assert.ok(asked.length <= 4, `${asked.length} requests in 400 ms`);
});

test("SSE gets the end from polling after a 204", async (t) => {
  const { url, asked } = await serve(t, ({ transport, after }) => {
    if (transport === "polling") return { records: [endOf(TEXTS)], then: "end" };
    return after === "0" ? { records: pieces(TEXTS), then: "cut" } : { status: 204 };
  });
  assertWhole(await readAll(open(url, { transport: "sse" })));
  assert.deepEqual(asked.map(({ transport }) => transport), ["sse", "sse", "polling"]);
});

for (const [name, raw, headers] of [
  ["a line that isn't JSON", "{\n\n"],
  ["half a line", '{"n": 0, "text": "结'],
  ["another content type", '{"n": 0, "text": "by a portal"}\n', { "Content-Type": "text/html" }],
]) {
  test(`chunked: connects again after ${name}`, async (t) => {
    const { url } = await serve(t, (question, attempt) => (attempt === 1
      ? { raw, then: "end", headers }
      : whole(TEXTS, question)));
    assertWhole(await readAll(open(url, { transport: "chunked" })));
  });
}

test("decodes characters that arrive byte by byte", async (t) => {
  const body = Buffer.from(whole(TEXTS, { after: 0 }).records.map((record) => `${JSON.stringify(record)}\n`).join(""));
  t.mock.method(globalThis, "fetch", async () => {
    const bytes = new ReadableStream({
      start(queue) {
        for (const byte of body) queue.enqueue(Uint8Array.of(byte));
        queue.close();
      },
    });
    return new Response(bytes, { headers: { "Content-Type": "application/x-ndjson" } });
  });
  assertWhole(await readAll(open("http://localhost/stream/test", { transport: "chunked" })));
});

for (const [name, init] of [
  ["a 503", { status: 503 }],
  ["a response of another type", { headers: { "Content-Type": "text/html" } }],
]) {
  test(`connects again after ${name} whose connection is lost`, async (t) => {
    const { url } = await serve(t, (question) => whole(TEXTS, question));
    const { fetch } = globalThis;
    let attempts = 0;
    t.mock.method(globalThis, "fetch", (...request) => {
      attempts += 1;
      if (attempts > 1) return fetch(...request);
      const body = new ReadableStream({ start: (stream) => stream.error(new TypeError("network error")) });
      return Promise.resolve(new Response(body, init));
    });
    assertWhole(await readAll(open(url, { transport: "chunked" })));
  });
}

test("an unknown transport is a RangeError that names the transports", () => {
  assert.throws(() => open("http://localhost/", { transport: "pigeon" }), /pigeon.*auto, or one of websocket/);
  const reader = open("http://localhost/");
  assert.throws(() => { reader.transport = "toString"; }, RangeError);
});

test("stop() sends the token, and rejects if the server refuses", async (t) => {
  const seen = [];
  t.mock.method(globalThis, "fetch", async (address, { method, headers }) => {
    seen.push([method, String(address), headers.Authorization]);
    return seen.length === 1
      ? new Response("{}", { status: 202 })
      : Response.json({ detail: "Not yours." }, { status: 403 });
  });
  await stop("http://localhost/stream/a", { token: "secret" });
  assert.deepEqual(seen[0], ["POST", "http://localhost/stream/a/stop", "Bearer secret"]);
  await assert.rejects(stop("http://localhost/stream/a"), { name: "StreamRefused", detail: "Not yours." });
});

for (const transport of TRANSPORTS) {
  test(`the query of the URL goes with each request over ${transport}`, async (t) => {
    const { url, asked } = await serve(t, (question, attempt) => (attempt === 1
      ? { records: pieces(TEXTS.slice(0, 1)), then: "cut" }
      : whole(TEXTS, question)));
    await readAll(open(`${url}?viewer=17.ab-c_d`, { transport }));
    assert.ok(asked.length >= 2);
    assert.deepEqual([...new Set(asked.map(({ viewer }) => viewer))], ["17.ab-c_d"]);
  });
}

for (const [title, cookie, meta, options, expected] of [
  ["from the cookie", "a=1; csrftoken=abc; b=2", null, {}, { "X-CSRFToken": "abc" }],
  ["from a cookie with another name", "csrftoken=no; shop=a=b", null, { csrfCookie: "shop" }, { "X-CSRFToken": "a=b" }],
  ["from the page", "csrftoken=no", "abc", {}, { "X-CSRFToken": "abc" }],
  ["from the caller", "csrftoken=no", "no", { csrfToken: "abc", csrfHeader: "X-Shop" }, { "X-Shop": "abc" }],
  ["nowhere", "", null, {}, {}],
]) {
  test(`stop() takes the CSRF token ${title}`, async (t) => {
    t.after(() => { delete globalThis.document; delete globalThis.location; });
    globalThis.document = {
      baseURI: "http://localhost/",
      cookie,
      querySelector: () => meta && { content: meta },
    };
    globalThis.location = new URL("http://localhost/");
    let sent;
    t.mock.method(globalThis, "fetch", async (_address, { headers }) => {
      sent = headers;
      return new Response("{}", { status: 202 });
    });
    await stop("/stream/a", options);
    assert.deepEqual(sent, { Accept: "application/json", ...expected });
    await stop("http://elsewhere.example/stream/a", options);
    assert.deepEqual(sent, { Accept: "application/json" });
  });
}

/** Wait until a condition holds, for 10 s on a busy machine. */
async function until(condition) {
  for (let i = 0; i < 1000 && !condition(); i += 1) await new Promise((resolve) => setTimeout(resolve, 10));
  assert.ok(condition());
}
