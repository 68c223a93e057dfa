/** How late pieces were, as percentiles. Pure. */

export class Lags {
  #values = [];
  #sorted = null;

  /** @param {number} milliseconds from the server's writing of a piece to its arrival */
  add(milliseconds) {
    this.#values.push(milliseconds);
    this.#sorted = null;
  }

  /**
   * Return the lag that this share of the pieces stayed below or met, by the nearest rank.
   *
   *     lags.percentile(0.99)
   *
   * @param {number} share above 0, at most 1
   * @returns {number | null} in milliseconds; null before the first piece
   */
  percentile(share) {
    if (this.#values.length === 0) return null;
    this.#sorted ??= Float64Array.from(this.#values).sort();
    return this.#sorted[Math.ceil(share * this.#sorted.length) - 1];
  }
}
