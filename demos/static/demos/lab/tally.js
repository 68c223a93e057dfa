/** What a reader received, counted by the numbers of the pieces. Pure. */

export class Tally {
  #seen = new Set();
  /** The number after the highest piece that is known to exist. */
  #top = 0;
  /** How many pieces came that had come before. */
  repeated = 0;

  /**
   * Count a piece.
   * @param {number} n
   * @returns {boolean} whether the piece is new
   */
  take(n) {
    if (this.#seen.has(n)) {
      this.repeated += 1;
      return false;
    }
    this.#seen.add(n);
    this.expect(n + 1);
    return true;
  }

  /** Note that the stream has at least this many pieces: those that haven't come are lost, so far. */
  expect(pieces) {
    this.#top = Math.max(this.#top, pieces);
  }

  /** How many different pieces came. */
  get pieces() {
    return this.#seen.size;
  }

  /** How many pieces are missing below the highest one. */
  get lost() {
    return this.#top - this.#seen.size;
  }
}
