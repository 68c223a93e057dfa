/** The readers with a small buffer, as one or more server processes tell of them. */

/** The states in which a reader stays. */
const ENDS = ["complete", "let go", "failed"];

export class SlowReaders {
  /** The readers by the server process that they run in, oldest process first. */
  #told = new Map();
  #newest = "";

  /**
   * Take in what a process has told of its readers.
   * @param {string} process
   * @param {{ state: string }[]} readers the server says why one failed: "failed: Connection refused"
   */
  take(process, readers) {
    this.#told.set(process, readers);
    this.#newest = process;
  }

  /** All readers. A reader that still read when its process was replaced has failed. */
  get all() {
    return [...this.#told].flatMap(([process, readers]) => readers.map((reader) => {
      const [state] = reader.state.split(":");
      const stays = process === this.#newest || ENDS.includes(state);
      return { ...reader, state: stays ? state : "failed" };
    }));
  }

  /** Whether a reader has not come to its end. */
  get reading() {
    return this.all.some(({ state }) => !ENDS.includes(state));
  }
}
