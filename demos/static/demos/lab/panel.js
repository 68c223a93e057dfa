/**
 * The `<lab-panel transport="…" source="engine|plain">` element: one reader of a run, and what it counts.
 *
 * Attributes that the panel sets:
 *
 * - `state`: "idle", "connecting", "reading", "lost" (waiting to connect again), then an end state of the
 *   engine ("done", "stopped", "failed", "interrupted"), or "silent" if no end came.
 * - `pieces`, `lost`, `repeated`: how many different pieces came, how many are missing, and how many came
 *   again. A plain reader can't count the last two in a text without numbers; then the panel has neither.
 * - `verified`: after the end, whether length and SHA-256 of the text agree with the server's: "true" or
 *   "false". On pages without TLS, except those of localhost, the length alone decides.
 */

import { sha256 } from "../../streams/sha256.js";
import { fillFigures } from "../numbers.js";
import { Recording, seen } from "../recording.js";
import { rowOf } from "../wire-rows.js";
import { Lags } from "./lags.js";
import { Outage } from "./outages.js";
import { readers } from "./readers.js";
import { addressOf } from "./runs.js";
import { Tally } from "./tally.js";

/** How many characters of the text's end are shown, and how many lines of the wire. */
const TAIL = 240;
const LINES = 6;
/** The plot has a point for each of these milliseconds at most. */
const GRAIN = 25;

export class LabPanel extends HTMLElement {
  #race = null;
  #reading = null;
  #wire = new Recording();
  #lines = [];
  #newLines = true;
  #texts = [];
  #tail = "";
  #tally = new Tally();
  #lags = new Lags();
  /** New pieces whose time of writing the page doesn't know yet: `[n, arrival]`. */
  #unsettled = [];
  #countable = true;
  #last = 0;
  /** @type {Outage | null} */
  #outage = null;
  /** The steps of the plot's line. `at` is in milliseconds since the start of the race. */
  curve = [];

  connectedCallback() {
    this.addEventListener("change", ({ target }) => {
      if (target.name === `source-${this.transport}`) this.source = target.value;
    });
    this.#enter("idle");
  }

  get transport() {
    return this.getAttribute("transport");
  }

  get source() {
    return this.getAttribute("source");
  }

  /** Setting the source during a race continues on the other way. */
  set source(source) {
    if (source === this.source) return;
    this.setAttribute("source", source);
    this.querySelector(`input[value="${source}"]`).checked = true;
    if (this.#reading) this.reopen();
  }

  get state() {
    return this.getAttribute("state");
  }

  /** Whether the panel is waiting for pieces. */
  get racing() {
    return this.#reading !== null;
  }

  /** How long nothing new has come, in milliseconds. */
  get silentFor() {
    return performance.now() - this.#last;
  }

  get figures() {
    const { requests, payload, framing, heads } = this.#wire.totals;
    return {
      transport: this.transport,
      source: this.source,
      state: this.state,
      pieces: this.#tally.pieces,
      lost: this.#countable ? this.#tally.lost : null,
      repeated: this.#countable ? this.#tally.repeated : null,
      p50: this.#lags.percentile(0.5),
      p99: this.#lags.percentile(0.99),
      requests,
      payload,
      overhead: framing + (heads ?? 0),
      verified: this.hasAttribute("verified") ? this.getAttribute("verified") === "true" : null,
    };
  }

  /**
   * Read a run from its beginning.
   * @param {object} race a Race
   */
  start(race) {
    this.close();
    this.#race = race;
    this.#wire = new Recording();
    this.#wire.follower = this;
    this.#lines = [];
    this.#texts = [];
    this.#tail = "";
    this.#tally = new Tally();
    this.#lags = new Lags();
    this.#unsettled = [];
    this.#countable = true;
    this.#last = performance.now();
    this.#outage = null;
    this.curve = [{ at: 0, count: 0 }];
    this.removeAttribute("verified");
    this.reopen();
  }

  /** Connect anew, after a change of the source or of the path. */
  reopen() {
    this.#reading?.abort();
    this.#reading = new AbortController();
    this.#read(this.#reading.signal);
  }

  /** Stop reading. */
  close(state) {
    this.#reading?.abort();
    this.#reading = null;
    if (state) this.#enter(state);
  }

  async #read(signal) {
    const { run, network, path } = this.#race;
    const { transport, source } = this;
    const reader = readers[source](addressOf(run, { panel: transport, source, path }), {
      transport,
      after: this.#tally.pieces,
      options: run.options,
      network,
      wire: this.#wire,
      signal,
      onlink: (link) => {
        if (signal.aborted) return;
        if (link === "lost") this.#outage?.lost();
        this.#enter(link);
      },
    });
    try {
      for await (const record of reader) {
        if (signal.aborted) return;
        if (record.end) this.#end(record.end);
        else if (record.text !== undefined) this.#take(record);
      }
    } catch (error) {
      if (signal.aborted) return;
      this.#wire.record({ direction: "down", parts: [seen(error.message)] });
      this.#end("failed");
    }
  }

  #take({ n, text }) {
    const now = performance.now();
    this.#texts.push(text);
    this.#tail = (this.#tail + text).slice(-TAIL);
    if (n === null) this.#countable = false;
    if (!this.#tally.take(n ?? this.#tally.pieces)) return;
    this.#last = now;
    this.#outage?.heard(now, this.#wire.totals.requests);
    if (n !== null) this.#unsettled.push([n, now]);
    const point = { at: now - this.#race.began, count: this.#tally.pieces };
    if (point.at - this.curve.at(-1).at < GRAIN && this.curve.length > 1) this.curve[this.curve.length - 1] = point;
    else this.curve.push(point);
  }

  #end(end) {
    this.#outage?.heard(performance.now(), this.#wire.totals.requests);
    this.#reading = null;
    this.#enter(end);
  }

  /** Compare the new pieces' arrival with the times at which the server wrote them. */
  settle(writtenAt, clock) {
    this.#unsettled = this.#unsettled.filter(([n, arrival]) => {
      if (n >= writtenAt.length) return true;
      // An unknown clock error may make the quickest pieces seem early.
      this.#lags.add(Math.max(0, arrival + clock.offset - writtenAt[n]));
      return false;
    });
  }

  /** Watch what a fault does, from now on. */
  watch() {
    const { lost, repeated, requests } = this.figures;
    this.#outage = new Outage({ at: performance.now(), last: this.#last, lost, repeated, requests });
  }

  /** Return what the fault has done, or null if none is watched. */
  outcome() {
    const { lost, repeated, requests } = this.figures;
    const over = !this.racing && this.state !== "silent";
    const outcome = this.#outage?.close({ at: performance.now(), lost, repeated, requests, over }) ?? null;
    this.#outage = null;
    return this.#countable || !outcome ? outcome : { ...outcome, lost: null, repeated: null };
  }

  /**
   * Compare the text with what was sent.
   * @param {{ pieces: number, length: number, sha256: string }} sent
   */
  async verify({ pieces, length, sha256: hash }) {
    this.#tally.expect(pieces);
    const text = this.#texts.join("");
    const same = [...text].length === length && (!crypto.subtle || await sha256(text) === hash);
    this.setAttribute("verified", String(same));
    this.draw();
  }

  // The recording's follower.

  entry(entry) {
    this.#newLines = true;
    const { run, path } = this.#race;
    // The beginning of the address is long and the same in all lines.
    const start = addressOf(run, { panel: this.transport, source: this.source, path });
    const parts = entry.parts.map((part) => ({ ...part, text: part.text.replace(start, "…") }));
    this.#lines.push({ ...entry, parts });
    if (this.#lines.length > LINES) this.#lines.shift();
  }

  annotated() {}

  finished() {}

  /** Show everything that has changed. */
  draw() {
    const { figures } = this;
    for (const name of ["pieces", "lost", "repeated"]) {
      if (figures[name] === null) this.removeAttribute(name);
      else this.#set(name, figures[name]);
    }
    fillFigures(this, figures);
    for (const name of ["lost", "repeated"]) {
      this.querySelector(`[data-count="${name}"]`).toggleAttribute("data-bad", figures[name] > 0);
    }
    const tail = this.#part("tail");
    if (tail.textContent !== this.#tail) tail.textContent = this.#tail;
    if (this.#newLines) this.querySelector(".log").replaceChildren(...this.#lines.map(rowOf));
    this.#newLines = false;
    const agrees = crypto.subtle ? "verified" : "same-length";
    const verdict = figures.verified === null ? "" : this.#word(figures.verified ? agrees : "differs");
    if (this.#part("verdict").textContent !== verdict) this.#part("verdict").textContent = verdict;
  }

  #enter(state) {
    this.#set("state", state);
    this.#part("state").textContent = this.#word(state);
  }

  #set(name, value) {
    if (this.getAttribute(name) !== String(value)) this.setAttribute(name, value);
  }

  #part(name) {
    return this.querySelector(`[data-part="${name}"]`);
  }

  #word(name) {
    return this.closest("stream-lab").querySelector(`template[data-word="${name}"]`).content.textContent;
  }
}

customElements.define("lab-panel", LabPanel);
