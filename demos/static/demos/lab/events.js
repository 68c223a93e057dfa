/** What happened to a run, as one or more server processes tell. */

export class Events {
  #known = new Map();

  /** All events, each once, in the order of their times. */
  get all() {
    return [...this.#known.values()].sort((a, b) => a.at - b.at);
  }

  /**
   * Take in what a process has told: all its events so far, or one of them.
   *
   * Nothing that was told is dropped: a process that ends takes its account with it, and an answer
   * from before an event may come after the answer that tells of the event.
   *
   * @param {{ at: number, kind: string }[]} events
   */
  take(events) {
    for (const event of events) this.#known.set(`${event.at} ${event.kind}`, event);
  }
}
