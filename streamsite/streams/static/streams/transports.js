/** The ways to read a stream. */

import { chunked } from "./transports/chunked.js";
import { polling } from "./transports/polling.js";
import { sse } from "./transports/sse.js";
import { websocket } from "./transports/websocket.js";

/**
 * @typedef {object} Connection what a transport is asked to open
 * @property {URL} url the stream's base
 * @property {string} after the cursor to go on from
 * @property {string | number} [pace] seconds a piece, or "recorded"
 * @property {AbortSignal} signal
 */

/**
 * A transport is an async generator over one connection. It yields batches of records as they
 * arrive, an empty one where the connection only shows that it lives; returns when the server ends
 * the connection; throws StreamRefused or ConnectionLost; and closes the connection when it is left.
 * It neither counts nor retries.
 *
 * `silence` is for how many milliseconds a connection that works may have nothing to show.
 *
 * The order is the one in which "auto" tries them.
 */
export const transports = {
  websocket: { connect: websocket, silence: 45_000 }, // An empty array every 15 s.
  sse: { connect: sse, silence: 45_000 }, // The server sends a comment every 15 s.
  chunked: { connect: chunked, silence: 45_000 }, // A blank line every 15 s.
  polling: { connect: polling, silence: 45_000 }, // An answer is held for 20 s.
};

export const AUTO = "auto";

/** Throw a RangeError unless this is a transport's name, or "auto". */
export function checkTransport(name) {
  if (name === AUTO || Object.hasOwn(transports, name)) return name;
  const names = Object.keys(transports).join(", ");
  throw new RangeError(`There is no transport ${JSON.stringify(name)}: take ${AUTO}, or one of ${names}.`);
}
