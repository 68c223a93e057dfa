/** The account of what a reader has received: it drops repeats, finds gaps, and verifies the whole text. */

import { LATEST, formatCursor, parseCursor } from "./cursor.js";
import { ConnectionLost, StreamCorrupt } from "./errors.js";
import { sha256 } from "./sha256.js";

/**
 * The records of a stream. `rev` is the stream's revision; the records of revision 0 have none.
 *
 * A piece: text or JSON value number `n`, counted from 0. `source` is the JSON of the value as the
 * server wrote it; the ledger takes it off.
 * @typedef {{n: number, text?: string, data?: unknown, source?: string, rev?: number}} Piece
 *
 * A reset: the server can't continue from the reader's cursor, for the reason in `why`. The reader
 * must drop the pieces from number `reset` on; the next piece has that number.
 * @typedef {{reset: number, why: string, rev?: number}} Reset
 *
 * The end: the end state ("done", "stopped", "failed" or "interrupted"), the number of pieces, the
 * SHA-256 of the whole text (or of all values, each on a line) in hexadecimal, and, if the stream has one, the reason for its end state.
 * @typedef {{end: string, n: number, sha256?: string, reason?: string, rev?: number}} End
 */

export class Ledger {
  #rev;
  /** The number of pieces taken; null before the first piece if reading starts at the latest one. */
  #n;
  /** The texts from number 0 on; null if the first ones are missing, or if SHA-256 isn't available. */
  #texts;

  /** @param {string | number} after the cursor to start from */
  constructor(after) {
    const { rev, n } = after === LATEST ? { rev: 0, n: null } : parseCursor(after);
    this.#rev = rev;
    this.#n = n;
    this.#texts = n === 0 ? textsToHash() : null;
  }

  /** The cursor after the last record taken. */
  get cursor() {
    return this.#n === null ? LATEST : formatCursor({ rev: this.#rev, n: this.#n });
  }

  /**
   * Take a record, and return it, or null if there is nothing to tell the reader: the piece is a
   * repeat, or the record is of an unknown kind.
   * @param {Piece | Reset | End} record
   * @returns {Piece | Reset | End | null}
   * @throws {ConnectionLost} if pieces are missing before this one
   */
  take(record) {
    if (record.text !== undefined || record.data !== undefined) return this.#takePiece(record);
    if (record.reset !== undefined) return this.#takeReset(record);
    return record.end === undefined ? null : record;
  }

  #takePiece({ source, ...piece }) {
    const rev = piece.rev ?? 0;
    if (this.#n === null) this.#begin(piece.n, rev);
    // Before the first piece, any revision is accepted.
    if (this.#n === 0) this.#rev = rev;
    if (rev !== this.#rev) {
      throw new ConnectionLost(`A piece of revision ${rev} arrived among pieces of revision ${this.#rev}.`);
    }
    if (piece.n < this.#n) return null;
    if (piece.n !== this.#n) {
      throw new ConnectionLost(`Piece ${piece.n} arrived, but piece ${this.#n} was expected.`);
    }
    this.#n += 1;
    this.#texts?.push(piece.text ?? `${source}\n`);
    return piece;
  }

  /** Begin with piece number `n` of any revision. */
  #begin(n, rev) {
    this.#n = n;
    this.#rev = rev;
    this.#texts = n === 0 ? textsToHash() : null;
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
   * Check the stream's end, and return it with `verified`: true if the SHA-256 of the text received
   * was compared with the end's, false if the text couldn't be hashed.
   * @param {End} end
   * @returns {Promise<End & {verified: boolean}>}
   * @throws {StreamCorrupt} if the number of pieces or the hash differs
   */
  async seal(end) {
    if (this.#n === null) this.#begin(end.n, end.rev ?? 0);
    if (end.n !== this.#n) {
      throw new StreamCorrupt(`The stream has ${end.n} pieces, but ${this.#n} were received.`);
    }
    const verified = Boolean(end.sha256 && this.#texts);
    if (verified) {
      const hash = await sha256(this.#texts.join(""));
      if (hash !== end.sha256) {
        throw new StreamCorrupt(
          `The stream's SHA-256 is ${end.sha256}, but the text received has ${hash}.`,
        );
      }
    }
    return { ...end, verified };
  }
}

/**
 * Return a list for the texts to hash, or null where SubtleCrypto is missing: outside secure contexts.
 *
 * The texts are kept until the end because SubtleCrypto can't hash in steps.
 */
function textsToHash() {
  return globalThis.crypto?.subtle ? [] : null;
}
