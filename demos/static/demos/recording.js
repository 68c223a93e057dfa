/**
 * What one run put on the wire, in order, with running totals. A transport writes it and a view
 * reads it; neither knows the other.
 */

/**
 * A stretch of text in an entry. `derived` is true where the browser can't see these bytes and
 * they are worked out from the protocol.
 *
 * @typedef {{ text: string, derived?: boolean, kind?: "data" | "framing" | "strong" }} Part
 *
 * @typedef {{
 *   at: number, direction: "up" | "down", parts: Part[], note: Part[],
 *   requests: number, messages: number, payload: number, framing: number, text: string,
 * }} Entry
 */

/** Bytes the browser reported. */
export const seen = (text) => ({ text });
export const strong = (text) => ({ text, kind: "strong" });
export const data = (text) => ({ text, kind: "data" });
/** Bytes worked out from the protocol. */
export const derived = (text) => ({ text, derived: true });

const NOTHING = { requests: 0, messages: 0, payload: 0, framing: 0, text: "", note: [] };

export class Recording {
  /** The view that follows this recording, if any. */
  follower = null;
  totals = { requests: 0, messages: 0, payload: 0, framing: 0, heads: null, opened: null, first: null, duration: null };
  /** Characters received by then: the plot's steps. */
  curve = [{ at: 0, characters: 0 }];
  #start = performance.now();

  /** @returns {Entry} */
  record(what) {
    const entry = { ...NOTHING, ...what, at: this.elapsed };
    for (const name of ["requests", "messages", "payload", "framing"]) this.totals[name] += entry[name];
    if (entry.text) this.#grow(entry);
    this.follower?.entry(entry);
    return entry;
  }

  /** Adds to the note of an entry what became known of it later. */
  annotate(entry, ...parts) {
    entry.note = [...entry.note, ...parts];
    this.follower?.annotated(entry);
  }

  /** Adds to a total that only some transports know: bytes of response heads, connections opened. */
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
    this.curve.push({ at, characters: this.curve.at(-1).characters + [...text].length });
  }
}
