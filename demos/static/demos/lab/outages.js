/** What a fault did to one reader, from the fault to the next one or to the end. Pure. */

/**
 * Watches one reader through one fault.
 *
 * A reader that was not disturbed has short silences. The longest silence is how long the reader took to
 * recover, and the requests sent in it are what recovering took.
 */
export class Outage {
  #before;
  #last;
  #lastRequests;
  #longest = { silence: 0, requests: 0 };

  /**
   * @param {{ at: number, last: number, lost: number, repeated: number, requests: number }} before what the
   *   panel had counted when the fault came; `last` is when its last piece came, both in milliseconds
   */
  constructor(before) {
    this.#before = before;
    this.#last = Math.max(before.last, before.at);
    this.#lastRequests = before.requests;
  }

  /** Note a sign of life: a new piece, or the end. `requests` is the panel's number of requests so far. */
  heard(at, requests) {
    this.#silence(at, requests);
    this.#last = at;
    this.#lastRequests = requests;
  }

  /**
   * End the watch, and return the outcome.
   * @param {{ at: number, lost: number, repeated: number, requests: number, over: boolean }} now `over` if
   *   the reader had its end
   */
  close({ at, lost, repeated, requests, over }) {
    const longest = this.#longest.silence;
    if (!over) this.#silence(at, requests);
    return {
      lost: lost - this.#before.lost,
      repeated: repeated - this.#before.repeated,
      silence: this.#longest.silence,
      requests: this.#longest.requests,
      // The last silence had no end, and was longer than all others.
      recovered: over || this.#longest.silence === longest,
    };
  }

  #silence(at, requests) {
    const silence = at - this.#last;
    if (silence > this.#longest.silence) this.#longest = { silence, requests: requests - this.#lastRequests };
  }
}
