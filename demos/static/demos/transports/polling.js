import { byteLength, visible } from "../wire.js";
import { data, seen, strong } from "../recording.js";
import { opensConnection } from "./connections.js";
import { headSize } from "./http.js";

/** The time from one request to the next, in milliseconds. */
const INTERVAL = 100;
/** The status for a piece that doesn't exist. It means that the client has all pieces. */
const OVER = 400;

/**
 * Request one piece after another, from number `first` on, and yield their texts. A stream that is still
 * written answers with no text where the next piece isn't there yet; then the same piece is asked for again.
 */
export async function* polling(src, { signal, wire, network = globalThis, first = 0, interval = INTERVAL }) {
  for (let cnt = first; ;) {
    const url = `${src}?cnt=${cnt}`;
    const began = performance.now();
    const opened = opensConnection(url);
    const response = await network.fetch(url, { signal, cache: "no-store" });
    const body = await response.text();
    const text = response.ok ? JSON.parse(body).message : "";
    const entry = record(wire, { url, response, body, text, took: performance.now() - began });
    opened.then((isNew) => {
      wire.count("opened", Number(isNew));
      wire.annotate(entry, seen(isNew ? "connect" : "keep-alive"));
    });

    if (response.status === OVER) return;
    if (!response.ok) throw new Error(`${response.status} ${response.statusText}`);
    if (text) {
      cnt += 1;
      yield text;
    }
    await pause(began + interval - performance.now());
  }
}

function record(wire, { url, response, body, text, took }) {
  const size = byteLength(body);
  const payload = byteLength(text);
  wire.count("heads", headSize(response));
  return wire.record({
    direction: "down",
    parts: [strong(`GET ${url}`), seen(" → "), strong(String(response.status)), seen(" "), ...bodyParts(body)],
    note: [seen(`${size} B`), seen(`${Math.round(took)} ms`)],
    requests: 1,
    messages: 1,
    payload,
    framing: size - payload,
    text,
  });
}

/** Return the body in parts, with the text, in its JSON escapes, apart from what surrounds it. */
function bodyParts(body) {
  const [, before, value, after] = body.match(/^(\{\s*"message"\s*:\s*")(.*)("\s*\})$/s) ?? [];
  return value === undefined ? [seen(visible(body))] : [seen(before), data(value), seen(after)];
}

/** Wait. An abort doesn't end the wait; the next `fetch()` throws instead. */
function pause(milliseconds) {
  return new Promise((resolve) => setTimeout(resolve, Math.max(0, milliseconds)));
}
