/**
 * Byte arithmetic of the four formats: what surrounds a text on the wire, worked out from the
 * protocols because a page is never shown it. Pure functions; nothing here touches the page.
 */

const encoder = new TextEncoder();

/** @param {string} text */
export function byteLength(text) {
  return encoder.encode(text).length;
}

/**
 * What surrounds one piece of a response body. `head` and `tail` are notation for people to read,
 * `bytes` the true cost of both.
 *
 * @typedef {{ head: string, tail: string, bytes: number }} Framing
 * @param {number} size bytes of the piece
 * @param {string} version as in a status line: "HTTP/1.1", "HTTP/2", "HTTP/3"
 * @returns {Framing}
 */
export function bodyFraming(size, version = "HTTP/1.1") {
  if (version === "HTTP/2") return { head: `DATA ${size} `, tail: "", bytes: 9 };
  if (version === "HTTP/3") return { head: `DATA ${size} `, tail: "", bytes: 1 + varintLength(size) };
  const head = `${size.toString(16)}\r\n`;
  return { head, tail: "\r\n", bytes: head.length + 2 };
}

/** What says that a body is over: the empty chunk, or in newer versions a flag or the stream's end. */
export function bodyEnd(version = "HTTP/1.1") {
  if (version === "HTTP/2") return { head: "DATA 0 END_STREAM", tail: "", bytes: 9 };
  if (version === "HTTP/3") return { head: "FIN", tail: "", bytes: 0 };
  return { head: "0\r\n", tail: "\r\n", bytes: 5 };
}

function varintLength(value) {
  if (value < 64) return 1;
  return value < 16384 ? 2 : 4;
}

/** The bytes of a Server-Sent Event without name and id, as the server writes it. */
export function eventText(text) {
  const lines = text.split("\n").map((line) => `data: ${line}\n`);
  return `${lines.join("")}\n`;
}

export const OPCODES = { text: 0x1, binary: 0x2, close: 0x8 };

/**
 * The header of an unfragmented WebSocket frame (RFC 6455, 5.2). The four bytes of a client's
 * masking key, which the browser keeps to itself, come out as `null`.
 *
 * @returns {(number | null)[]}
 */
export function frameHeader(opcode, size, { masked = false } = {}) {
  const mask = masked ? 0x80 : 0;
  const header = [0x80 | opcode];
  if (size < 126) {
    header.push(mask | size);
  } else if (size < 65536) {
    header.push(mask | 126, size >> 8, size & 0xff);
  } else {
    const length = BigInt(size);
    header.push(mask | 127);
    for (let shift = 56n; shift >= 0n; shift -= 8n) header.push(Number((length >> shift) & 0xffn));
  }
  if (masked) header.push(null, null, null, null);
  return header;
}

/** Bytes of a close frame's body: nothing, or a two-byte code and the reason. */
export function closeSize(code, reason = "") {
  const NO_STATUS = 1005;
  return code === NO_STATUS ? 0 : 2 + byteLength(reason);
}

/** @param {(number | null)[]} bytes */
export function hex(bytes) {
  return bytes.map((byte) => (byte === null ? "··" : byte.toString(16).padStart(2, "0"))).join(" ");
}

/** Line breaks and tabs spelled out, for one line of a log. */
export function visible(text) {
  return text.replaceAll("\r", "\\r").replaceAll("\n", "\\n").replaceAll("\t", "\\t");
}
