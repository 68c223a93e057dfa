/**
 * A server of one stream that behaves as a test plans.
 *
 * For each request or handshake, the server calls the test's `plan(question, attempt)`. The question has
 * the transport, the headers and the query's parameters; the attempt counts from 1. The plan returns:
 *
 *     { records, then }     send the records; then "end" (close properly), "cut" (break the connection)
 *                           or "hold" (keep it open). A number closes a WebSocket with that code.
 *     { status, headers }   refuse; a WebSocket is refused in the handshake
 *     { raw, then }         send an HTTP body as it is
 *     "silence"             send nothing
 */

import { createHash } from "node:crypto";
import { createServer } from "node:http";

export const TRANSPORTS = ["polling", "chunked", "sse", "websocket"];

const ENDPOINTS = { polling: "polling", chunked: "chunked", events: "sse", ws: "websocket" };
const TYPES = { polling: "application/json", chunked: "application/x-ndjson", sse: "text/event-stream" };

export function sha256(text) {
  return createHash("sha256").update(text).digest("hex");
}

/** Return texts as pieces, numbered from `first` on. */
export function pieces(texts, { first = 0, rev } = {}) {
  return texts.map((text, index) => ({ n: first + index, text, ...(rev && { rev }) }));
}

/** Return the end record of a stream of these texts. */
export function endOf(texts, more = {}) {
  return { end: "done", n: texts.length, sha256: sha256(texts.join("")), ...more };
}

/**
 * Return the JSON of values as pieces. The server sends the JSON of each value as it stands here.
 * @param {string[]} sources
 */
export function valuePieces(sources, { first = 0 } = {}) {
  return sources.map((source, index) => ({ n: first + index, data: new Source(source) }));
}

/** A JSON value whose JSON is sent as it is. */
class Source {
  constructor(json) {
    this.json = json;
  }
}

/** Return the JSON of a record or of an array of records. */
function jsonOf(value) {
  if (Array.isArray(value)) return `[${value.map(jsonOf).join(", ")}]`;
  if (!(value?.data instanceof Source)) return JSON.stringify(value);
  return `{"n":${value.n},"data":${value.data.json}}`;
}

/** Plan a server that works: the texts from the cursor on, and the end. */
export function whole(texts, { after }) {
  const first = Number(after);
  return { records: [...pieces(texts.slice(first), { first }), endOf(texts)], then: "end" };
}

/** Start a server for one test. Return the stream's URL, and the questions of opened and closed connections. */
export async function serve(test, plan) {
  const asked = [];
  const closed = [];
  const server = createServer();

  function take(request, socket) {
    const { pathname, searchParams } = new URL(request.url, "http://localhost");
    const question = {
      transport: ENDPOINTS[pathname.split("/").at(-1)],
      headers: request.headers,
      ...Object.fromEntries(searchParams),
    };
    asked.push(question);
    socket.on("close", () => closed.push(question));
    return { question, answer: plan(question, asked.length) };
  }

  server.on("request", (request, response) => {
    const { question, answer } = take(request, response);
    if (answer !== "silence") answerHTTP(response, question, answer);
  });
  server.on("upgrade", (request, socket) => {
    socket.on("error", () => {});
    const { answer } = take(request, socket);
    if (answer !== "silence") answerWebSocket(request, socket, answer);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  test.after(() => {
    server.close();
    server.closeAllConnections();
  });
  return { url: `http://127.0.0.1:${server.address().port}/stream/test`, asked, closed };
}

function answerHTTP(response, { transport }, { status = 200, headers = {}, detail, records = [], raw, then }) {
  if (status !== 200) {
    response.writeHead(status, { "Content-Type": "application/json", ...headers });
    response.end(status === 204 ? "" : JSON.stringify({ detail }));
    return;
  }
  response.writeHead(200, { "Content-Type": TYPES[transport], ...headers });
  if (transport === "polling" && !raw && records.length === 0 && then === "cut") {
    response.destroy();
    return;
  }
  response.write(raw ?? ENCODERS[transport](records));
  // Each answer of polling is a complete response, so that "hold" ends it, too.
  if (then === "end" || (transport === "polling" && !raw)) response.end();
  else if (then === "cut") setTimeout(() => response.destroy(), 20);
}

const ENCODERS = {
  polling: (records) => {
    const texts = records.filter(({ text, data }) => text !== undefined || data);
    const end = records.find((record) => record.end);
    const reset = records.find((record) => record.reset !== undefined);
    const last = texts.at(-1);
    const n = last ? last.n + 1 : (end?.n ?? reset?.reset ?? 0);
    const rev = records.find((record) => record.rev)?.rev;
    const pieces = texts.map(({ text, data }) => (data ? data.json : JSON.stringify(text)));
    const rest = JSON.stringify({
      ...(last?.data && { format: "json" }),
      after: rev ? `${rev}.${n}` : n,
      state: end?.end ?? "live",
      ...(end && { sha256: end.sha256, reason: end.reason }),
      ...(reset && { reset: reset.reset, why: reset.why }),
    });
    return `{"pieces": [${pieces.join(", ")}], ${rest.slice(1)}`;
  },
  chunked: (records) => records.map((record) => `${jsonOf(record)}\n`).join(""),
  sse: (records) => `retry: 100\n\n${records.map((record) => {
    const name = record.end ? "event: end\n" : record.reset === undefined ? "" : "event: reset\n";
    return `${name}data: ${jsonOf(record)}\n\n`;
  }).join("")}`,
};

function answerWebSocket(request, socket, { status, records = [], then }) {
  if (status) {
    socket.end(`HTTP/1.1 ${status} Refused\r\nContent-Length: 0\r\n\r\n`);
    return;
  }
  const accept = createHash("sha1")
    .update(`${request.headers["sec-websocket-key"]}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`)
    .digest("base64");
  const [protocol] = request.headers["sec-websocket-protocol"].split(",");
  socket.write(
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    + `Sec-WebSocket-Accept: ${accept}\r\nSec-WebSocket-Protocol: ${protocol}\r\n\r\n`,
  );
  socket.on("data", (data) => {
    if ((data[0] & 0x0f) === 8) socket.end(); // The reader's close frame.
  });
  // The first record is a frame by itself and the others are one array, to test both forms.
  const [first, ...others] = records;
  if (first) socket.write(frame(1, jsonOf(first)));
  if (others.length) socket.write(frame(1, jsonOf(others)));
  if (then === "cut") setTimeout(() => socket.destroy(), 20);
  else if (then !== "hold") socket.write(closeFrame(then === "end" ? 1000 : then));
}

function closeFrame(code) {
  const body = Buffer.alloc(2);
  body.writeUInt16BE(code);
  return frame(8, Buffer.concat([body, Buffer.from("because")]));
}

function frame(opcode, payload) {
  const body = Buffer.from(payload);
  if (body.length > 0xffff) throw new RangeError("A frame of the tests must be shorter than 64 KiB.");
  const head = Buffer.from([0x80 | opcode, Math.min(body.length, 126), body.length >> 8, body.length & 0xff]);
  return Buffer.concat([body.length < 126 ? head.subarray(0, 2) : head, body]);
}
