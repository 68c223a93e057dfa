/** Which transport to take next. */

import { AUTO, transports } from "./transports.js";

const KEY = "streamsite.transport";

/** How often a transport that has worked is tried again, with pauses, before another one is. */
const PATIENCE = 3;

/**
 * A named transport is the only choice. For "auto" it is the first of all that brings a record; which
 * one that was is remembered for the tab.
 */
export class Choice {
  #remembers;
  #order;
  #tried = 0;
  #patience = 0;

  constructor(wanted) {
    this.#remembers = wanted === AUTO;
    this.#order = this.#remembers ? startingWith(memory.get()) : [wanted];
  }

  get name() {
    return this.#order[0];
  }

  /** The transport has brought a record. */
  worked() {
    this.#tried = 0;
    this.#patience = PATIENCE;
    if (!this.#remembers) return;
    this.#order = startingWith(this.name);
    memory.set(this.name);
  }

  /** The transport has failed. Return whether there is another one to try at once. */
  failed() {
    // One that has worked is cut by a restart of the server far more often than by a new network.
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

/** The tab's memory, which a browser may refuse. */
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
