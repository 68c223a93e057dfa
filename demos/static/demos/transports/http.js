/** What the three HTTP transports share: heads, and reading a stream of values. */

import { bodyEnd, byteLength, visible } from "../wire.js";
import { derived, seen, strong } from "../recording.js";

const VERSIONS = { h2: "HTTP/2", h3: "HTTP/3" };

/** The version that the page itself came by, which its requests share. */
export function httpVersion() {
  const [page] = performance.getEntriesByType("navigation");
  return VERSIONS[page?.nextHopProtocol] ?? "HTTP/1.1";
}

/** Parts of a request's head: the page knows method and path, the rest follows from them. */
export function requestHead(path, version, headers) {
  const lines = [`Host: ${location.host}`, ...headers].map((line) => derived(`\n${line}`));
  return [strong(`GET ${path}`), derived(` ${version}`), ...lines];
}

/** Parts of a response's head, with those of `names` that it has. */
export function responseHead(response, version, names) {
  const parts = [derived(`${version} `), strong(`${response.status} ${response.statusText}`)];
  for (const name of names) {
    const value = response.headers.get(name);
    if (value !== null) parts.push(seen(`\n${name}: ${value}`));
  }
  return parts;
}

/** Bytes of a response's head in HTTP/1.1, whose headers a page of the same origin may all read but for cookies. */
export function headSize(response) {
  let size = byteLength(`HTTP/1.1 ${response.status} ${response.statusText}\r\n\r\n`);
  for (const [name, value] of response.headers) size += byteLength(`${name}: ${value}\r\n`);
  return size;
}

/** Records what says that the response's body is over. */
export function recordEnd(wire, version) {
  const { head, tail, bytes: framing } = bodyEnd(version);
  wire.record({
    direction: "down",
    parts: [derived(visible(head + tail))],
    note: [seen("0"), derived(`+ ${framing} B`)],
    framing,
  });
}

/** Records that the browser gave a response up: by closing the connection or, from HTTP/2 on, its stream. */
export function recordCut(wire) {
  const sign = httpVersion() === "HTTP/1.1" ? "✕ TCP FIN" : "✕ RST_STREAM";
  wire.record({ direction: "up", parts: [derived(sign)] });
}

/** Values of a stream, one by one; leaving the loop early gives the stream up. */
export async function* valuesOf(stream) {
  const reader = stream.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield value;
    }
  } finally {
    reader.releaseLock();
  }
}
