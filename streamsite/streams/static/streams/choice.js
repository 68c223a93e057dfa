/** The choice of the transport for a reader's next connection. */

import { AUTO, transports } from "./transports.js";

const KEY = "streamsite.transport";

/** How many times in a row a transport that has worked is tried again before another one is tried. */
const PATIENCE = 3;

/**
 * The transports that one reader may use, in order.
 *
 * A reader that asks for a named transport uses only that transport. A reader that asks for "auto"
 * tries all of them until one delivers a record. The tab then remembers that transport, and later
 * readers in the tab start with it.
 */
export class Choice {
  #remembers;
  #order;
  #tried = 0;
  #patience = 0;

  /** @param {string} wanted a transport's name, or "auto" */
  constructor(wanted) {
    this.#remembers = wanted === AUTO;
    this.#order = this.#remembers ? startingWith(memory.get()) : [wanted];
  }

  /** The transport to use for the next connection. */
  get name() {
    return this.#order[0];
  }

  /** Note that the transport has delivered a record. */
  worked() {
    this.#tried = 0;
    this.#patience = PATIENCE;
    if (!this.#remembers) return;
    this.#order = startingWith(this.name);
    memory.set(this.name);
  }

  /**
   * Note that the transport has failed, and choose the next one.
   * @returns {boolean} whether the next connection may be opened without a pause
   */
  failed() {
    // A transport that has worked fails far more often because the server restarts than because the
    // network has changed, so it is tried again first.
    if (this.#patience > 0) {
      this.#patience -= 1;
      return false;
    }
    if (this.#remembers) memory.drop(this.name);
    this.#order.push(this.#order.shift());
    this.#tried += 1;
    return this.#tried % this.#order.length !== 0;
  }
}

function startingWith(first) {
  const names = Object.keys(transports);
  return names.includes(first) ? [first, ...names.filter((name) => name !== first)] : names;
}

/** The tab's memory. The browser may refuse access to the storage; then nothing is remembered. */
const memory = {
  get: () => withStorage((storage) => storage.getItem(KEY)),
  set: (name) => withStorage((storage) => storage.setItem(KEY, name)),
  drop: (name) => withStorage((storage) => storage.getItem(KEY) === name && storage.removeItem(KEY)),
};

function withStorage(act) {
  try {
    return act(sessionStorage);
  } catch {
    return null;
  }
}
