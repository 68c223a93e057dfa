/**
 * Reading a stream, on any transport, from any of its pieces, through cuts.
 *
 *     for await (const record of open("/stream/build")) {
 *       if (record.text) output.append(record.text);
 *     }
 */

import { ConnectionLost, StreamCorrupt, StreamRefused } from "./errors.js";
import { answered, check, endpoint } from "./http.js";
import { Reader } from "./reader.js";

export { ConnectionLost, StreamCorrupt, StreamRefused };

/**
 * Read the stream at a URL such as `/stream/build`.
 *
 * The reader yields the stream's records: pieces, numbered without gap or repeat; a reset, where the
 * server can't go on from the reader's cursor, after which the pieces come from that number; and last
 * the end. A cut connection is resumed where it broke.
 *
 * The end's `verified` is true where the text's SHA-256 was compared. It is false where that can't be
 * done: the stream wasn't read from its first piece, or the page isn't a secure context.
 *
 * @param {string | URL} url
 * @param {object} [options]
 * @param {string} [options.transport] "websocket", "sse", "chunked", "polling", or "auto": the first
 *   of these that works
 * @param {string | number} [options.after] the cursor to start from: how many pieces are there already
 * @param {string | number} [options.pace] replay a finished stream: seconds a piece, or "recorded"
 * @param {AbortSignal} [options.signal] gives the stream up and closes the connection
 * @param {(link: Link) => void} [options.onlink] is told how the connection does
 * @returns {Reader} an async iterator of Piece, Reset and End; its `transport` may be set in mid-stream
 * @throws {StreamRefused} while reading: the server won't have it
 * @throws {StreamCorrupt} while reading: the text isn't what was sent
 */
export function open(url, options) {
  return new Reader(baseOf(url), options);
}

/**
 * Ask the stream's producer to stop. Resolves when the server has taken that in; the stream's readers
 * get an end "stopped" in their own time.
 *
 * @param {string | URL} url
 * @param {object} [options]
 * @param {string} [options.token] a publisher's token; without one the session's user counts
 */
export async function stop(url, { token } = {}) {
  const address = endpoint(baseOf(url), "stop");
  const headers = { Accept: "application/json" };
  if (token) headers.Authorization = `Bearer ${token}`;
  const csrf = address.origin === globalThis.location?.origin && csrfToken();
  if (csrf) headers["X-CSRFToken"] = csrf;
  await check(await answered(fetch(address, { method: "POST", headers })));
}

function baseOf(url) {
  return new URL(url, globalThis.document?.baseURI);
}

/** Django's CSRF token: a site that keeps the cookie from scripts puts it into <meta name="csrf-token">. */
function csrfToken() {
  const meta = document.querySelector('meta[name="csrf-token"]');
  return meta?.content ?? document.cookie.match(/(?:^|; )csrftoken=([^;]*)/)?.[1];
}
