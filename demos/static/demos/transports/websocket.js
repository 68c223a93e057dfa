import { byteLength, closeSize, frameHeader, hex, NO_CLOSE_FRAME, OPCODES, visible } from "../wire.js";
import { data, derived, seen, strong } from "../recording.js";
import { requestHead, valuesOf } from "./http.js";

const NORMAL = 1000;

/** Yield the text frames of one WebSocket until the server closes it. */
export async function* websocket(src, { signal, wire, network = globalThis }) {
  const url = new URL(src, location.href);
  url.protocol = url.protocol.replace("http", "ws");
  recordRequest(wire, src);
  const socket = new network.WebSocket(url);
  yield* valuesOf(messagesOf(socket, { signal, wire }));
}

/** Return the frames' text as a stream. It ends with a normal close, and fails with any other close. */
function messagesOf(socket, { signal, wire }) {
  return new ReadableStream({
    start(queue) {
      socket.onopen = () => recordSwitch(wire, socket);
      socket.onmessage = ({ data: text }) => {
        recordText(wire, text);
        queue.enqueue(text);
      };
      socket.onclose = ({ code, reason }) => {
        if (code !== NO_CLOSE_FRAME) recordClose(wire, { code, reason, byUs: signal.aborted });
        if (code === NORMAL) queue.close();
        else queue.error(new Error(`close ${code} ${reason}`.trim()));
      };
      signal.addEventListener("abort", () => whenOpen(socket, () => stop(socket, wire)), { once: true });
    },
  });
}

/** Call `then` once the socket is open. Closing a socket earlier logs an error in the browser's console. */
function whenOpen(socket, then) {
  if (socket.readyState === WebSocket.CONNECTING) socket.addEventListener("open", then, { once: true });
  else if (socket.readyState === WebSocket.OPEN) then();
}

function stop(socket, wire) {
  socket.send("stop");
  recordSent(wire, OPCODES.text, "text", [data("stop")], byteLength("stop"));
  socket.close(NORMAL);
  recordSent(wire, OPCODES.close, "close", [strong(String(NORMAL))], closeSize(NORMAL));
}

function recordRequest(wire, src) {
  const parts = requestHead(src, "HTTP/1.1", [
    "Upgrade: websocket",
    "Connection: Upgrade",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: ····",
  ]);
  wire.record({ direction: "up", parts, requests: 1 });
}

function recordSwitch(wire, { extensions, protocol }) {
  const parts = [
    derived("HTTP/1.1 101 Switching Protocols"),
    derived("\nupgrade: websocket\nconnection: Upgrade\nsec-websocket-accept: ····"),
  ];
  if (protocol) parts.push(seen(`\nsec-websocket-protocol: ${protocol}`));
  if (extensions) parts.push(seen(`\nsec-websocket-extensions: ${extensions}`));
  wire.record({ direction: "down", parts });
}

function recordText(wire, text) {
  const payload = byteLength(text);
  const header = frameHeader(OPCODES.text, payload);
  wire.record({
    direction: "down",
    parts: [derived(`${hex(header)} `), data(visible(text))],
    note: [seen("text"), seen(`${payload}`), derived(`+ ${header.length} B`)],
    messages: 1,
    payload,
    framing: header.length,
    text,
  });
}

/** Record a close frame. The other end answers it with a close frame, so that there are always two. */
function recordClose(wire, { code, reason, byUs }) {
  const size = closeSize(code, reason);
  const header = frameHeader(OPCODES.close, size);
  wire.record({
    direction: "down",
    parts: [derived(`${hex(header)} `), strong(`${code} ${reason}`.trim())],
    note: [seen("close"), derived(`+ ${header.length + size} B`)],
    framing: header.length + size,
  });
  if (!byUs) recordSent(wire, OPCODES.close, "close", [strong(String(code))], closeSize(code));
}

/** Record a frame of the client. The totals leave out its bytes, because they count what was received. */
function recordSent(wire, opcode, name, content, size) {
  const header = frameHeader(opcode, size, { masked: true });
  const note = opcode === OPCODES.close
    ? [seen(name), derived(`+ ${header.length + size} B`)]
    : [seen(name), seen(`${size}`), derived(`+ ${header.length} B`)];
  wire.record({ direction: "up", parts: [derived(`${hex(header)} `), ...content], note });
}
