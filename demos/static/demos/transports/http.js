/** The common code of the HTTP transports: heads, ends, and reading a stream of values. */

import { bodyEnd, byteLength, visible } from "../wire.js";
import { derived, seen, strong } from "../recording.js";

const VERSIONS = { h2: "HTTP/2", h3: "HTTP/3" };

/** Return the HTTP version with which the page was loaded. Its requests use the same version. */
export function httpVersion() {
  const [page] = performance.getEntriesByType("navigation");
  return VERSIONS[page?.nextHopProtocol] ?? "HTTP/1.1";
}

/** Return the parts of a request's head. The page knows the method and the path; the rest is derived. */
export function requestHead(path, version, headers) {
  const lines = [`Host: ${location.host}`, ...headers].map((line) => derived(`\n${line}`));
  return [strong(`GET ${path}`), derived(` ${version}`), ...lines];
}

/** Return the parts of a response's head, with those headers in `names` that the response has. */
export function responseHead(response, version, names) {
  const parts = [derived(`${version} `), strong(`${response.status} ${response.statusText}`)];
  for (const name of names) {
    const value = response.headers.get(name);
    if (value !== null) parts.push(seen(`\n${name}: ${value}`));
  }
  return parts;
}

/** Return the size of a response's head in HTTP/1.1, in bytes. A page can read all headers except cookies. */
export function headSize(response) {
  let size = byteLength(`HTTP/1.1 ${response.status} ${response.statusText}\r\n\r\n`);
  for (const [name, value] of response.headers) size += byteLength(`${name}: ${value}\r\n`);
  return size;
}

/** Record the end of a response's body. */
export function recordEnd(wire, version) {
  const { head, tail, bytes: framing } = bodyEnd(version);
  wire.record({
    direction: "down",
    parts: [derived(visible(head + tail))],
    note: [seen("0"), derived(`+ ${framing} B`)],
    framing,
  });
}

/** Record that the browser cancelled a response, by closing the connection or, from HTTP/2 on, the stream. */
export function recordCut(wire) {
  const sign = httpVersion() === "HTTP/1.1" ? "✕ TCP FIN" : "✕ RST_STREAM";
  wire.record({ direction: "up", parts: [derived(sign)] });
}

/** Yield the values of a stream. Leaving the loop early releases the stream. */
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
