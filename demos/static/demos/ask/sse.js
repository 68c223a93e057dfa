/** The chat over HTTP: one request, whose response is a stream of events. */

import { EventStreamParser } from "../../streams/event-stream.js";
import { data, derived, seen } from "../recording.js";
import { headSize, httpVersion, recordEnd, requestHead, responseHead, valuesOf } from "../transports/http.js";
import { bodyFraming, byteLength, visible } from "../wire.js";
import { request } from "./api.js";

const HEADERS = ["content-type", "x-vercel-ai-ui-message-stream", "transfer-encoding"];
const LAST = "[DONE]";

/** Ask a question, and yield the parts of the answer. Throws a Refusal, or an error when the response breaks off. */
export function ask(chat, body, options) {
  const text = JSON.stringify(body);
  return parts(`${chat.base}api`, { ...options, method: "POST", body: text });
}

/** Yield the parts of the answer that is being written, from its beginning. Return false if there is none. */
export function resume(chat, key, options) {
  return parts(`${chat.base}api/${encodeURIComponent(key)}/stream`, { ...options, method: "GET" });
}

async function* parts(path, { method, body, signal, wire }) {
  const version = httpVersion();
  const headers = body ? { "Content-Type": "application/json" } : {};
  recordRequest(wire, { path, version, method, body });
  const response = await request(path, { method, body, headers, signal });
  wire.count("heads", headSize(response));
  wire.record({ direction: "down", parts: responseHead(response, version, HEADERS) });
  if (response.status === 204) return false;
  const decoder = new TextDecoder();
  const parser = new EventStreamParser();
  let complete = false;
  for await (const bytes of valuesOf(response.body)) {
    const text = decoder.decode(bytes, { stream: true });
    const events = parser.feed(text).map((event) => event.data);
    complete ||= events.includes(LAST);
    const values = events.filter((event) => event !== LAST).map((event) => JSON.parse(event));
    recordRead(wire, { text, size: bytes.length, version, values });
    yield* values;
  }
  if (!complete) throw new Error("The response broke off.");
  recordEnd(wire, version);
  return true;
}

function recordRequest(wire, { path, version, method, body }) {
  const headers = body ? ["Content-Type: application/json", `Content-Length: ${byteLength(body)}`] : [];
  const [line, ...head] = requestHead(path, version, headers);
  const parts = [{ ...line, text: line.text.replace("GET", method) }, ...head];
  if (body) parts.push(derived("\n\n"), data(body));
  wire.record({ direction: "up", parts, requests: 1 });
}

/** Record what one read of the response brought: usually an event. */
function recordRead(wire, { text, size, version, values }) {
  const { head, tail, bytes } = bodyFraming(size, version);
  const words = wordsOf(values);
  const payload = byteLength(words);
  wire.record({
    direction: "down",
    parts: [derived(visible(head)), data(visible(text)), derived(visible(tail))],
    note: [seen(`${payload}`), seen(`+ ${size - payload}`), derived(`+ ${bytes} B`)],
    messages: 1,
    payload,
    framing: size - payload + bytes,
    text: words,
  });
}

/** Return the text of an answer in some of its parts. */
export function wordsOf(values) {
  return values.map((part) => (part.type === "text-delta" ? part.delta : "")).join("");
}
