/**
 * The sizes of what surrounds a text on the wire. Browsers don't show these bytes to a page, so they
 * are worked out from the protocols. Pure functions.
 */

const encoder = new TextEncoder();

/** Return the length of a text in UTF-8, in bytes. */
export function byteLength(text) {
  return encoder.encode(text).length;
}

/**
 * Return what surrounds one piece of a response body: a chunk's size line and line end (RFC 9112, 7.1),
 * or the header of a DATA frame (RFC 9113, 6.1; RFC 9114, 7.2.1).
 *
 * `head` and `tail` are notation for people; `bytes` is the size of what they stand for.
 *
 * @typedef {{ head: string, tail: string, bytes: number }} Framing
 * @param {number} size the piece's size, in bytes
 * @param {string} version as in a status line: "HTTP/1.1", "HTTP/2", "HTTP/3"
 * @returns {Framing}
 */
export function bodyFraming(size, version = "HTTP/1.1") {
  if (version === "HTTP/2") return { head: `DATA ${size} `, tail: "", bytes: 9 };
  if (version === "HTTP/3") return { head: `DATA ${size} `, tail: "", bytes: 1 + varintLength(size) };
  const head = `${size.toString(16)}\r\n`;
  return { head, tail: "\r\n", bytes: head.length + 2 };
}

/** Return what ends a body: an empty chunk in HTTP/1.1, a flag in HTTP/2, the stream's end in HTTP/3. */
export function bodyEnd(version = "HTTP/1.1") {
  if (version === "HTTP/2") return { head: "DATA 0 END_STREAM", tail: "", bytes: 9 };
  if (version === "HTTP/3") return { head: "FIN", tail: "", bytes: 0 };
  return { head: "0\r\n", tail: "\r\n", bytes: 5 };
}

function varintLength(value) {
  if (value < 64) return 1;
  return value < 16384 ? 2 : 4;
}

/** Return a Server-Sent Event without name and id, as the server writes it. */
export function eventText(text) {
  const lines = text.split("\n").map((line) => `data: ${line}\n`);
  return `${lines.join("")}\n`;
}

/** The code that a browser reports for a WebSocket that was lost without a close frame. */
export const NO_CLOSE_FRAME = 1006;

export const OPCODES = { text: 0x1, binary: 0x2, close: 0x8 };

/**
 * Return the header of an unfragmented WebSocket frame (RFC 6455, 5.2), byte by byte. The four bytes of
 * a client's masking key are `null`, because the browser doesn't show them.
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

/** Return the size of a close frame's body, in bytes: 0, or a two-byte code and the reason. */
export function closeSize(code, reason = "") {
  const NO_STATUS = 1005;
  return code === NO_STATUS ? 0 : 2 + byteLength(reason);
}

/**
 * Return bytes in hexadecimal, with dots for unknown ones.
 * @param {(number | null)[]} bytes
 */
export function hex(bytes) {
  return bytes.map((byte) => (byte === null ? "··" : byte.toString(16).padStart(2, "0"))).join(" ");
}

/** Return a text with its line breaks and tabs as escapes, for one line of a log. */
export function visible(text) {
  return text.replaceAll("\r", "\\r").replaceAll("\n", "\\n").replaceAll("\t", "\\t");
}
