/**
 * The record of what one run sent and received, in order, with running totals. A transport writes the
 * recording and a view shows it. The recording is all that the two have in common.
 */

/**
 * A part of an entry's text. `derived` is true if the browser can't see these bytes, so that they are
 * worked out from the protocol.
 *
 * @typedef {{ text: string, derived?: boolean, kind?: "data" | "framing" | "strong" }} Part
 *
 * One request, message or head. `at` is in milliseconds since the start of the run; `payload` and
 * `framing` are in bytes.
 *
 * @typedef {{
 *   at: number, direction: "up" | "down", parts: Part[], note: Part[],
 *   requests: number, messages: number, payload: number, framing: number, text: string,
 * }} Entry
 */

/** Make a part of bytes that the browser has reported. */
export const seen = (text) => ({ text });
export const strong = (text) => ({ text, kind: "strong" });
export const data = (text) => ({ text, kind: "data" });
/** Make a part of bytes that are worked out from the protocol. */
export const derived = (text) => ({ text, derived: true });

const NOTHING = { requests: 0, messages: 0, payload: 0, framing: 0, text: "", note: [] };

export class Recording {
  /** The view that follows this recording, if any. */
  follower = null;
  totals = { requests: 0, messages: 0, payload: 0, framing: 0, heads: null, opened: null, first: null, duration: null };
  /** The number of characters received by each moment: the plot's steps. */
  curve = [{ at: 0, count: 0 }];
  #start = performance.now();

  /**
   * Add an entry, and return it.
   * @returns {Entry}
   */
  record(what) {
    const entry = { ...NOTHING, ...what, at: this.elapsed };
    for (const name of ["requests", "messages", "payload", "framing"]) this.totals[name] += entry[name];
    if (entry.text) this.#grow(entry);
    this.follower?.entry(entry);
    return entry;
  }

  /** Add parts to an entry's note that became known after the entry was recorded. */
  annotate(entry, ...parts) {
    entry.note = [...entry.note, ...parts];
    this.follower?.annotated(entry);
  }

  /** Add to a total that only some transports know: `heads`, in bytes, or `opened` connections. */
  count(name, amount) {
    this.totals[name] = (this.totals[name] ?? 0) + amount;
  }

  finish() {
    this.totals.duration = this.elapsed;
    this.follower?.finished();
  }

  get elapsed() {
    return performance.now() - this.#start;
  }

  #grow({ at, text }) {
    this.totals.first ??= at;
    this.curve.push({ at, count: this.curve.at(-1).count + [...text].length });
  }
}
