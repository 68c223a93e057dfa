/** The chat over a WebSocket: a frame for the question, and a frame for each part of the answer. */

import { data, derived, seen } from "../recording.js";
import { requestHead, valuesOf } from "../transports/http.js";
import { byteLength, frameHeader, hex, OPCODES, visible } from "../wire.js";
import { newKey, Refusal } from "./api.js";
import { wordsOf } from "./sse.js";

const NORMAL = 1000;

/** Ask a question, and yield the parts of the answer. Throws a Refusal, or an error when the connection breaks. */
export function ask(chat, body, options) {
  return exchange(chat, { type: "send", ...body }, options);
}

/** Yield the parts of the answer that is being written, from its beginning. Return false if there is none. */
export function resume(chat, key, options) {
  return exchange(chat, { type: "resume", id: key, body: {} }, options);
}

async function* exchange(chat, what, { signal, wire }) {
  const headers = { "Accept-Language": document.documentElement.lang };
  const frame = JSON.stringify({ ...what, headers, requestId: newKey() });
  const url = new URL(`${chat.base}ws`, location.href);
  url.protocol = url.protocol.replace("http", "ws");
  const parts = requestHead(`${chat.base}ws`, "HTTP/1.1", ["Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: ····"]);
  wire.record({ direction: "up", parts, requests: 1 });
  const socket = new WebSocket(url);
  try {
    for await (const received of valuesOf(framesOf(socket, { frame, signal, wire }))) {
      if (received.type === "chunk") yield received.chunk;
      else if (received.type === "end") return true;
      else if (received.type === "no-active") return false;
      else if (received.type === "error") throw new Refusal(received.status, received.errorText);
    }
  } finally {
    // Closing a socket before it is open logs an error in the browser's console.
    if (socket.readyState === WebSocket.CONNECTING) socket.onopen = () => socket.close(NORMAL);
    else socket.close(NORMAL);
  }
  throw new Error("The connection broke off.");
}

/** Return the frames of the server as a stream, which queues them until they are read. */
function framesOf(socket, { frame, signal, wire }) {
  return new ReadableStream({
    start(queue) {
      socket.onopen = () => {
        wire.record({ direction: "down", parts: [derived("HTTP/1.1 101 Switching Protocols\nupgrade: websocket\nconnection: Upgrade\nsec-websocket-accept: ····")] });
        socket.send(frame);
        recordSent(wire, frame);
      };
      socket.onmessage = ({ data: text }) => {
        const received = JSON.parse(text);
        recordReceived(wire, text, received);
        queue.enqueue(received);
      };
      socket.onclose = ({ code, reason }) => {
        // 4000 and the status: the site refuses the handshake's visitor.
        queue.error(code >= 4400 ? new Refusal(code - 4000, reason) : new Error(`close ${code}`));
      };
      signal.addEventListener("abort", () => queue.error(signal.reason), { once: true });
    },
  });
}

function recordSent(wire, frame) {
  const size = byteLength(frame);
  const header = frameHeader(OPCODES.text, size, { masked: true });
  const note = [seen("text"), seen(`${size}`), derived(`+ ${header.length} B`)];
  wire.record({ direction: "up", parts: [derived(`${hex(header)} `), data(visible(frame))], note });
}

function recordReceived(wire, text, received) {
  const size = byteLength(text);
  const header = frameHeader(OPCODES.text, size);
  const words = wordsOf(received.chunk ? [received.chunk] : []);
  const payload = byteLength(words);
  wire.record({
    direction: "down",
    parts: [derived(`${hex(header)} `), data(visible(text))],
    note: [seen(`${payload}`), seen(`+ ${size - payload}`), derived(`+ ${header.length} B`)],
    messages: 1,
    payload,
    framing: size - payload + header.length,
    text: words,
  });
}
