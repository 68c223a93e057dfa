/**
 * The public interface of the browser side: `open()` reads a stream, `stop()` stops one.
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
 * Read a stream.
 *
 *     const reader = open("/stream/build", { transport: "sse", after: 17 });
 *     for await (const record of reader) {
 *       if (record.text !== undefined) show(record.text); // { n: 17, text: "…" }
 *       else if (record.data !== undefined) use(record.data); // { n: 17, data: … }, a JSON value
 *       else if (record.reset !== undefined) keepOnly(record.reset); // { reset: 0, why: "…" }
 *       else console.log(record.end, record.verified); // { end: "done", n: 180, sha256: "…", … }
 *     }
 *
 * The reader yields records:
 *
 * - a Piece `{n, text}`, or `{n, data}` in a stream of JSON values. The numbers have no gaps and no repeats.
 * - a Reset `{reset, why}` if the server can't continue from the reader's cursor, for example because
 *   the text was edited or replaced. Drop the pieces from number `reset` on; the next piece has that number.
 * - one End `{end, n, sha256, reason, verified}`, the last record. `end` is "done", "stopped", "failed"
 *   or "interrupted". `verified` is true if the SHA-256 of the text received was compared with `sha256`.
 *   It is false if the reader didn't start at the first piece, or if the page isn't a secure context.
 *
 * All records of a stream that was edited, or whose name was used before, have its revision, too: `rev`.
 *
 * If the connection is cut, the reader connects again and continues from its cursor. The pauses between
 * attempts grow up to 15 s. Leaving the loop closes the connection.
 *
 * @param {string | URL} url the stream's URL, such as "/stream/build"; a relative one is resolved
 *   against the document's base URL
 * @param {object} [options]
 * @param {string} [options.transport] "websocket", "sse", "chunked", "polling", or "auto" (the default):
 *   the first of these that works
 * @param {string | number} [options.after] the cursor to start from: the number of pieces received
 *   so far, or "2.17" for 17 pieces of revision 2; 0 by default. "latest" starts with the newest piece.
 * @param {string | number} [options.pace] replay a finished stream: the seconds between two pieces, or
 *   "recorded" for the pace at which the pieces were written
 * @param {boolean | number} [options.wait] wait for a stream that doesn't exist yet: this many seconds, or
 *   60 for true. Until then a 404 isn't final, and the reader asks again at growing intervals of at most 5 s.
 * @param {{fetch: typeof fetch, WebSocket: typeof WebSocket}} [options.network] what opens the connections,
 *   for a page that counts their bytes or tests how it bears faults; the browser's own by default
 * @param {AbortSignal} [options.signal] closes the connection; reading then rejects with its reason
 * @param {(link: import("./reader.js").Link) => void} [options.onlink] is called when the connection's
 *   state changes
 * @returns {Reader} an async iterator of records. Its `cursor` is the cursor after the last record; its
 *   `transport` may be set while it reads; its `close()` ends the reading.
 * @throws {RangeError} if the transport, the cursor or the time to wait is not valid
 * @throws {StreamRefused} while reading, if the server refuses the stream
 * @throws {StreamCorrupt} while reading, if the text received isn't the text that was sent
 */
export function open(url, options) {
  return new Reader(baseOf(url), options);
}

/**
 * Stop a stream for everybody. The promise resolves when the stream has ended. Unless the stream had
 * ended before, its readers receive an End with the state "stopped".
 *
 *     await stop("/stream/build");
 *
 * @param {string | URL} url the stream's URL
 * @param {object} [options]
 * @param {string} [options.token] a publisher's token. Without a token, the session's user must be the
 *   stream's owner or staff.
 * @param {string} [options.csrfToken] Django's CSRF token. By default it comes from
 *   `<meta name="csrf-token">`, or else from the cookie.
 * @param {string} [options.csrfCookie] the site's CSRF_COOKIE_NAME
 * @param {string} [options.csrfHeader] the HTTP header that the site's CSRF_HEADER_NAME stands for
 * @returns {Promise<void>}
 * @throws {StreamRefused} if the caller may not stop the stream, or if the stream doesn't exist
 * @throws {ConnectionLost} if the server can't be reached
 */
export async function stop(
  url,
  { token, csrfToken, csrfCookie = "csrftoken", csrfHeader = "X-CSRFToken" } = {},
) {
  const address = endpoint(baseOf(url), "stop");
  const headers = { Accept: "application/json" };
  if (token) headers.Authorization = `Bearer ${token}`;
  if (address.origin === globalThis.location?.origin) {
    const csrf = csrfToken ?? tokenOfPage(csrfCookie);
    if (csrf) headers[csrfHeader] = csrf;
  }
  await check(await answered(fetch(address, { method: "POST", headers })));
}

function baseOf(url) {
  return new URL(url, globalThis.document?.baseURI);
}

/**
 * Return Django's CSRF token: from `<meta name="csrf-token">`, for sites whose CSRF_COOKIE_HTTPONLY or
 * CSRF_USE_SESSIONS hides the cookie from scripts, or else from the cookie.
 */
function tokenOfPage(cookie) {
  const meta = document.querySelector('meta[name="csrf-token"]');
  if (meta) return meta.content;
  const pairs = document.cookie.split("; ").map((pair) => pair.split(/=(.*)/));
  return pairs.find(([name]) => name === cookie)?.[1];
}
