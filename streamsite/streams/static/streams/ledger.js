/** What a reader has received so far: it keeps the numbers right, and checks the whole at the end. */

import { formatCursor, parseCursor } from "./cursor.js";
import { ConnectionLost, StreamCorrupt } from "./errors.js";

/**
 * @typedef {{n: number, text: string, rev?: number}} Piece
 * @typedef {{reset: number, why: string, rev?: number}} Reset
 * @typedef {{end: string, n: number, sha256?: string, reason?: string, rev?: number}} End
 */

export class Ledger {
  #rev;
  #n;
  /** The pieces from number 0 on; null when the first ones are missing, or nothing could hash them. */
  #texts;

  constructor(after) {
    const { rev, n } = parseCursor(after);
    this.#rev = rev;
    this.#n = n;
    this.#texts = n === 0 ? textsToHash() : null;
  }

  get cursor() {
    return formatCursor({ rev: this.#rev, n: this.#n });
  }

  /**
   * Take a record in, and return it, or null when the reader has it already.
   * @param {Piece | Reset | End} record
   * @throws {ConnectionLost} when it would leave a hole
   */
  take(record) {
    if (record.text !== undefined) return this.#takePiece(record);
    if (record.reset !== undefined) return this.#takeReset(record);
    return record.end === undefined ? null : record;
  }

  #takePiece(piece) {
    const rev = piece.rev ?? 0;
    // With no piece yet there is nothing that another revision could contradict.
    if (this.#n === 0) this.#rev = rev;
    if (rev !== this.#rev) {
      throw new ConnectionLost(`a piece of revision ${rev} came amid revision ${this.#rev}`);
    }
    if (piece.n < this.#n) return null;
    if (piece.n !== this.#n) {
      throw new ConnectionLost(`piece ${piece.n} came where ${this.#n} was due`);
    }
    this.#n += 1;
    this.#texts?.push(piece.text);
    return piece;
  }

  #takeReset(reset) {
    this.#rev = reset.rev ?? 0;
    this.#n = reset.reset;
    if (reset.reset === 0) this.#texts = textsToHash();
    else if (reset.reset <= this.#texts?.length) this.#texts.length = reset.reset;
    else this.#texts = null;
    return reset;
  }

  /**
   * Return the end with `verified`: whether the text's hash was compared, and is right.
   * @param {End} end
   * @returns {Promise<End & {verified: boolean}>}
   * @throws {StreamCorrupt} when the number of pieces or the hash is another
   */
  async seal(end) {
    if (end.n !== this.#n) {
      throw new StreamCorrupt(`The stream has ${end.n} pieces, but ${this.#n} were received.`);
    }
    const verified = Boolean(end.sha256 && this.#texts);
    if (verified) {
      const hash = await sha256(this.#texts.join(""));
      if (hash !== end.sha256) {
        throw new StreamCorrupt(`The stream's SHA-256 is ${end.sha256}, but the text received has ${hash}.`);
      }
    }
    return { ...end, verified };
  }
}

/** SubtleCrypto takes a text whole only, and is there in secure contexts (and on localhost) only. */
function textsToHash() {
  return globalThis.crypto?.subtle ? [] : null;
}

async function sha256(text) {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
