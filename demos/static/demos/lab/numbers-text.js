/** The text of numbers, from which a reader can tell the pieces. Pure. */

/**
 * Finds the pieces in the text of numbers.
 *
 * Piece 17 is "17 ", filled up with dots to the size of a piece. The plain way sends no numbers of its
 * own, and a read of a body may contain several pieces or a part of one.
 *
 *     new NumbersText(8).feed("17 ·····18 ···") // [{ n: 17, text: "17 ·····" }]
 */
export class NumbersText {
  #size;
  #rest = "";

  /** @param {number} size the size of a piece, in characters */
  constructor(size) {
    this.#size = size;
  }

  /** Return the pieces that this text completes. */
  feed(text) {
    const pieces = [];
    this.#rest += text;
    for (;;) {
      const found = /^(\d+) /.exec(this.#rest);
      const length = Math.max(this.#size, found?.[0].length ?? 0);
      if (!found || this.#rest.length < length) return pieces;
      pieces.push({ n: Number(found[1]), text: this.#rest.slice(0, length) });
      this.#rest = this.#rest.slice(length);
    }
  }
}
