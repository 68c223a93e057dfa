/** When to try again. */

const BASE = 250;
const CAP = 15_000;

/**
 * Exponential backoff with full jitter: readers that were cut at the same moment come back at
 * different ones.
 */
export class Backoff {
  /** The range of the first wait, in milliseconds: what the server asks for, where it does. */
  base = BASE;
  #attempt = 0;

  /** Return how long to wait before the next attempt. */
  next() {
    const range = Math.max(this.base, Math.min(CAP, this.base * 2 ** this.#attempt));
    this.#attempt += 1;
    return Math.random() * range;
  }

  /** Begin again with short waits. */
  reset() {
    this.#attempt = 0;
  }
}

/** Browsers take a longer time than 31 bits of milliseconds for none at all. */
const LONGEST = 3_600_000;

/** Wait for a time, an hour at most. Rejects with the signal's reason as soon as it aborts. */
export function sleep(milliseconds, signal) {
  return settling(signal, (done) => {
    const timer = setTimeout(done, Math.min(milliseconds, LONGEST));
    return () => clearTimeout(timer);
  });
}

/** Wait until the browser has a network. Rejects with the signal's reason as soon as it aborts. */
export async function online(signal) {
  // Only a definite no counts: outside browsers nobody says.
  if (globalThis.navigator?.onLine !== false) return;
  await settling(signal, (done) => {
    addEventListener("online", done);
    return () => removeEventListener("online", done);
  });
}

/**
 * Wait for what `start` begins. It gets a function to call when that is done, and returns one that
 * gives it up.
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
