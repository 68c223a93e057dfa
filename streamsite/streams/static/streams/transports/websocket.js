/**
 * WebSocket: a frame is a JSON record or an array of records.
 *
 * The server sends an array of several records to a reader that is behind, and an empty array as a
 * keep-alive, because browsers don't show pings to scripts.
 */

import { ConnectionLost, StreamRefused } from "../errors.js";
import { endpoint, PASSING } from "../http.js";
import { recordsOf } from "../records.js";

/** The subprotocols in order of preference. Only the first one allows arrays. */
const SUBPROTOCOLS = ["streamsite.v1.batch", "streamsite.v1"];

/** The pause after a close with 4429 (Too Many Requests), in milliseconds. */
const BUSY_PAUSE = 5_000;

/** How long a socket that is left may take to open, in milliseconds. */
const OPENING_PATIENCE = 2_000;

/** The transport's `connect`, as transports.js describes it. */
export async function* websocket({ url, after, pace, signal, network = globalThis }) {
  signal.throwIfAborted();
  const address = endpoint(url, "ws", { after, pace });
  address.protocol = address.protocol.replace("http", "ws");
  const socket = new network.WebSocket(address, SUBPROTOCOLS);

  // A browser's WebSocket has no back-pressure. Frames that arrive faster than the consumer reads them
  // are collected here and form one batch. `null` means that there is nothing to yield.
  let frames = null;
  let closing = null;
  let wake = () => {};
  const on = (type, take) => socket.addEventListener(type, (event) => {
    take(event);
    wake();
  });
  on("open", () => { frames = []; });
  on("message", ({ data }) => { (frames ??= []).push(data); });
  on("close", (event) => { closing = event; });
  const abort = () => {
    closeOnceOpen(socket);
    wake();
  };
  signal.addEventListener("abort", abort);
  try {
    for (;;) {
      signal.throwIfAborted();
      if (frames) {
        const batch = frames;
        frames = null;
        yield batch.flatMap(recordsOfFrame);
      } else if (closing) {
        throw meaningOf(closing);
      } else {
        await new Promise((resolve) => { wake = resolve; });
      }
    }
  } finally {
    signal.removeEventListener("abort", abort);
    closeOnceOpen(socket);
  }
}

/**
 * Close a socket once it is open, because browsers log an error for a socket that is closed earlier.
 *
 * A server that doesn't answer is not waited for: browsers open one WebSocket to a host at a time (RFC
 * 6455, section 4.1), so that the next one would wait too.
 */
function closeOnceOpen(socket) {
  const close = () => socket.close();
  if (socket.readyState !== socket.CONNECTING) return close();
  const patience = setTimeout(close, OPENING_PATIENCE);
  socket.addEventListener("open", close);
  socket.addEventListener("close", () => clearTimeout(patience));
}

function recordsOfFrame(frame) {
  try {
    return recordsOf(frame);
  } catch (cause) {
    throw new ConnectionLost(`A WebSocket frame is not JSON: ${cause.message}`, { cause });
  }
}

/**
 * Return the error that a close event stands for.
 *
 * The codes from 4400 to 4499 are HTTP statuses plus 4000, and some of these statuses pass. RFC 6455, section 7.4.2, leaves the codes
 * from 4000 to 4999 to applications.
 */
function meaningOf({ code, reason }) {
  const status = code - 4000;
  if (status >= 400 && status < 500 && !PASSING.has(status)) return new StreamRefused(status, reason);
  // A close frame has no Retry-After.
  if (status === 429) return new ConnectionLost(reason, { retryAfter: BUSY_PAUSE });
  return new ConnectionLost(`The WebSocket closed with code ${code} ${reason}`.trimEnd());
}
