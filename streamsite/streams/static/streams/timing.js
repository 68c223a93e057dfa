/** Waiting: the pauses between two attempts to connect. */

/** The range of the first pause and the longest range, in milliseconds. */
const BASE = 250;
const CAP = 15_000;

/**
 * Exponential backoff with full jitter: each pause is random, from 0 to a range that doubles with each
 * attempt. The jitter spreads the readers that a restart of the server has cut at the same moment.
 *
 * Source: M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
 */
export class Backoff {
  /** The range of the first pause, in milliseconds. The server may set it with SSE's `retry`. */
  base = BASE;
  #attempt = 0;

  /** Return how long to wait before the next attempt, in milliseconds. */
  next() {
    const range = Math.max(this.base, Math.min(CAP, this.base * 2 ** this.#attempt));
    this.#attempt += 1;
    return Math.random() * range;
  }

  /** Start over with short pauses, after progress. */
  reset() {
    this.#attempt = 0;
  }
}

/** A moment in the future, on a clock that never goes back. */
export class Deadline {
  #at;

  /** @param {number} milliseconds from now */
  constructor(milliseconds) {
    this.#at = performance.now() + milliseconds;
  }

  /** The milliseconds until the deadline, 0 after it. */
  get left() {
    return Math.max(0, this.#at - performance.now());
  }

  get passed() {
    return this.left === 0;
  }
}

/** One hour. Timers overflow at 31 bits of milliseconds, about 25 days, and then fire at once. */
const LONGEST = 3_600_000;

/** Wait, for one hour at most. Reject with the signal's reason as soon as the signal aborts. */
export function sleep(milliseconds, signal) {
  return settling(signal, (done) => {
    const timer = setTimeout(done, Math.min(milliseconds, LONGEST));
    return () => clearTimeout(timer);
  });
}

/** Wait until the browser is online. Reject with the signal's reason as soon as the signal aborts. */
export async function online(signal) {
  // Outside browsers `onLine` may be missing, so that only `false` counts as offline.
  if (globalThis.navigator?.onLine !== false) return;
  await settling(signal, (done) => {
    addEventListener("online", done);
    return () => removeEventListener("online", done);
  });
}

/**
 * Wait for an operation, unless the signal aborts first.
 *
 * @param {AbortSignal} signal
 * @param {(done: () => void) => () => void} start starts the operation and returns a function that
 *   cancels it; the operation calls `done` when it has finished
 */
function settling(signal, start) {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const abort = () => {
      cancel();
      reject(signal.reason);
    };
    const cancel = start(() => {
      cancel();
      signal.removeEventListener("abort", abort);
      resolve();
    });
    signal.addEventListener("abort", abort, { once: true });
  });
}
