/** WebSocket: a frame is a JSON record, or an array: of several when the reader is behind, of none as
 * a sign of life, since the pings are invisible to a page. */

import { ConnectionLost, StreamRefused } from "../errors.js";
import { endpoint } from "../http.js";

/** In order of preference: the first one allows arrays. */
const SUBPROTOCOLS = ["streamsite.v1.batch", "streamsite.v1"];

/** A transport, as transports.js has it. */
export async function* websocket({ url, after, pace, signal }) {
  signal.throwIfAborted();
  const address = endpoint(url, "ws", { after, pace });
  address.protocol = address.protocol.replace("http", "ws");
  const socket = new WebSocket(address, SUBPROTOCOLS);

  // A WebSocket can't be told to wait. What the network delivers faster than it is read gathers
  // here, and is taken as one batch.
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
    socket.close();
    wake();
  };
  signal.addEventListener("abort", abort);
  try {
    for (;;) {
      signal.throwIfAborted();
      if (frames) {
        const batch = frames;
        frames = null;
        yield batch.flatMap(recordsOf);
      } else if (closing) {
        throw meaningOf(closing);
      } else {
        await new Promise((resolve) => { wake = resolve; });
      }
    }
  } finally {
    signal.removeEventListener("abort", abort);
    socket.close();
  }
}

function recordsOf(frame) {
  try {
    return JSON.parse(frame);
  } catch (cause) {
    throw new ConnectionLost(`a frame isn't JSON: ${cause.message}`, { cause });
  }
}

/** The codes from 4400 on are HTTP statuses, moved into the range that applications have. */
function meaningOf({ code, reason }) {
  if (code >= 4400 && code < 4500) return new StreamRefused(code - 4000, reason);
  return new ConnectionLost(`the WebSocket closed with ${code} ${reason}`.trimEnd());
}
