/** The transports: the ways to read a stream. */

import { chunked } from "./transports/chunked.js";
import { polling } from "./transports/polling.js";
import { sse } from "./transports/sse.js";
import { websocket } from "./transports/websocket.js";

/**
 * What a transport needs to open a connection.
 *
 * @typedef {object} Connection
 * @property {URL} url the stream's URL
 * @property {string} after the cursor to continue from
 * @property {string | number} [pace] the seconds between two pieces, or "recorded"
 * @property {{fetch: typeof fetch, WebSocket: typeof WebSocket}} [network] what opens the connection; the
 *   browser's own by default
 * @property {AbortSignal} signal closes the connection
 */

/**
 * All transports by name, in the order in which "auto" tries them.
 *
 * `connect` is an async generator over one connection. It takes a Connection and yields batches: arrays
 * of records as they arrive. An empty batch is a keep-alive; the first batch shows that the connection
 * is open. The generator returns when the server ends the connection. It throws StreamRefused or
 * ConnectionLost, and closes the connection when its consumer returns early. Counting pieces and
 * connecting again are the reader's task.
 *
 * `silence` is how many milliseconds may pass without a batch on a connection that works.
 */
export const transports = {
  websocket: { connect: websocket, silence: 45_000 }, // The server sends an empty array every 15 s.
  sse: { connect: sse, silence: 45_000 }, // The server sends a comment every 15 s.
  chunked: { connect: chunked, silence: 45_000 }, // The server sends a blank line every 15 s.
  polling: { connect: polling, silence: 45_000 }, // The server answers after 20 s at the latest.
};

export const AUTO = "auto";

/**
 * Return the name if it is a transport's name or "auto".
 *
 * @param {string} name
 * @returns {string}
 * @throws {RangeError} otherwise
 */
export function checkTransport(name) {
  if (name === AUTO || Object.hasOwn(transports, name)) return name;
  const names = Object.keys(transports).join(", ");
  throw new RangeError(`There is no transport ${JSON.stringify(name)}. Use ${AUTO}, or one of ${names}.`);
}
