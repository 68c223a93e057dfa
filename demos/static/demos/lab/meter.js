/**
 * Records what a reader of the engine sends and receives. The engine's own transports read the stream;
 * the meter sits between them and the network.
 */

import { data, derived, seen, strong } from "../recording.js";
import { headSize, httpVersion } from "../transports/http.js";
import { bodyFraming, byteLength, closeSize, frameHeader, hex, NO_CLOSE_FRAME, OPCODES, visible } from "../wire.js";

/** How many characters of a body or of a frame a line of the wire shows. */
const SHOWN = 120;

/**
 * Return the network with a meter on it.
 *
 * Everything received counts as framing at first. The reader moves the bytes of each piece's text to the
 * payload: see `countPiece()`.
 *
 * @param {import("../transports/index.js").Network} network
 * @param {import("../recording.js").Recording} wire
 */
export function metered(network, wire) {
  return {
    fetch: async (url, init) => {
      const { pathname, search } = new URL(url, location.href);
      wire.record({ direction: "up", parts: [strong(`GET ${pathname}${search}`)], requests: 1 });
      const response = await network.fetch(url, init);
      wire.count("heads", headSize(response));
      wire.record({ direction: "down", parts: [derived(`${httpVersion()} `), strong(`${response.status}`)] });
      if (!response.body) return response;
      const { status, statusText, headers } = response;
      return new Response(response.body.pipeThrough(bodyMeter(wire, headers)), { status, statusText, headers });
    },

    WebSocket: class {
      constructor(url, protocols) {
        const { pathname, search } = new URL(url);
        wire.record({
          direction: "up",
          parts: [strong(`GET ${pathname}${search}`), derived(" Upgrade: websocket")],
          requests: 1,
        });
        const socket = new network.WebSocket(url, protocols);
        socket.addEventListener("open", () => {
          wire.record({ direction: "down", parts: [derived("HTTP/1.1 "), strong("101")] });
        });
        socket.addEventListener("message", (event) => recordFrame(wire, event.data));
        socket.addEventListener("close", (event) => recordClose(wire, event));
        return socket;
      }
    },
  };
}

/** Count a piece's text as payload, of which the meter had counted the bytes as framing. */
export function countPiece(wire, text) {
  const size = byteLength(text);
  wire.count("payload", size);
  wire.count("framing", -size);
}

/** Return a stream that passes a body on and records each read. */
function bodyMeter(wire, headers) {
  const decoder = new TextDecoder();
  // A body with a length has no framing of its own.
  const framed = !headers.has("content-length");
  return new TransformStream({
    transform(bytes, passOn) {
      const { head, tail, bytes: framing } = framed
        ? bodyFraming(bytes.length, httpVersion())
        : { head: "", tail: "", bytes: 0 };
      wire.record({
        direction: "down",
        parts: [derived(visible(head)), data(shortened(decoder.decode(bytes, { stream: true }))), derived(visible(tail))],
        note: [seen(`${bytes.length} B`)],
        messages: 1,
        framing: bytes.length + framing,
      });
      passOn.enqueue(bytes);
    },
  });
}

function recordFrame(wire, text) {
  const size = byteLength(text);
  const header = frameHeader(OPCODES.text, size);
  wire.record({
    direction: "down",
    parts: [derived(`${hex(header)} `), data(shortened(text))],
    note: [seen(`${size} B`)],
    messages: 1,
    framing: size + header.length,
  });
}

function recordClose(wire, { code, reason }) {
  const size = closeSize(code, reason);
  const framing = code === NO_CLOSE_FRAME ? 0 : frameHeader(OPCODES.close, size).length + size;
  wire.record({ direction: "down", parts: [seen("close "), strong(`${code} ${reason}`.trim())], framing });
}

function shortened(text) {
  return visible(text.length > SHOWN ? `${text.slice(0, SHOWN)}…` : text);
}
