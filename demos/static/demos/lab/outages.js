/** What a fault did to one reader, from the fault to the next one or to the end. Pure. */

/**
 * Watches one reader through one fault.
 *
 * The silence in which a reader lost its connection is how long the reader took to recover, and the
 * requests sent in it are what recovering took. Where no connection was lost, it is the longest silence.
 */
export class Outage {
  #before;
  #last;
  #lastRequests;
  #broken = false;
  #longest = { silence: 0, requests: 0, broken: false };

  /**
   * @param {{ at: number, last: number, lost: number, repeated: number, requests: number }} before what the
   *   panel had counted when the fault came; `last` is when its last piece came, both in milliseconds
   */
  constructor(before) {
    this.#before = before;
    this.#last = Math.max(before.last, before.at);
    this.#lastRequests = before.requests;
  }

  /** Note that the connection was lost. */
  lost() {
    this.#broken = true;
  }

  /** Note a sign of life: a new piece, or the end. `requests` is the panel's number of requests so far. */
  heard(at, requests) {
    this.#silence(at, requests);
    this.#last = at;
    this.#lastRequests = requests;
    this.#broken = false;
  }

  /**
   * End the watch, and return the outcome.
   * @param {{ at: number, lost: number, repeated: number, requests: number, over: boolean }} now `over` if
   *   the reader had its end
   */
  close({ at, lost, repeated, requests, over }) {
    const before = this.#longest;
    if (!over) this.#silence(at, requests);
    return {
      lost: lost - this.#before.lost,
      repeated: repeated - this.#before.repeated,
      silence: this.#longest.silence,
      requests: this.#longest.requests,
      // If the last silence, which had no end, counts, the reader hasn't recovered.
      recovered: over || this.#longest === before,
    };
  }

  #silence(at, requests) {
    const silence = { silence: at - this.#last, requests: requests - this.#lastRequests, broken: this.#broken };
    const counts = silence.broken === this.#longest.broken
      ? silence.silence > this.#longest.silence
      : silence.broken;
    if (counts) this.#longest = silence;
  }
}
