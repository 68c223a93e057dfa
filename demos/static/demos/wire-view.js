/** The `<wire-view>` element: it shows a recording as it grows, with its entries, totals and curve. */

import { fillFigures } from "./numbers.js";
import { stepPath } from "./plot.js";
import { followingTail } from "./tail.js";
import { notesOf, rowOf } from "./wire-rows.js";

const MOST_ROWS = 300;
const ATTRIBUTES = ["requests", "messages", "payload", "framing", "first", "duration", "heads", "opened"];

export class WireView extends HTMLElement {
  #recording = null;
  #pending = [];
  #rows = new WeakMap();
  #dropped = 0;
  #frame = 0;

  /** Clear the view, and show this recording from now on. */
  follow(recording) {
    if (this.#recording) this.#recording.follower = null;
    this.#recording = recording;
    recording.follower = this;
    this.#pending = [];
    this.#dropped = 0;
    this.#log.replaceChildren();
    this.#draw();
  }

  entry(entry) {
    this.#pending.push(entry);
    // In a hidden tab no animation frame comes, so that the entries would pile up.
    if (this.#pending.length > 2 * MOST_ROWS) this.#drop(this.#pending.splice(0, MOST_ROWS).length);
    this.#schedule();
  }

  annotated(entry) {
    this.#rows.get(entry)?.querySelector(".meta").replaceChildren(...notesOf(entry));
    this.#schedule();
  }

  finished() {
    this.#draw();
  }

  get #log() {
    return this.querySelector(".log");
  }

  #schedule() {
    this.#frame ||= requestAnimationFrame(() => this.#draw());
  }

  #draw() {
    cancelAnimationFrame(this.#frame);
    this.#frame = 0;
    this.#drawRows();
    this.#drawTotals();
    this.#drawCurve();
  }

  #drawRows() {
    const log = this.#log;
    followingTail(this.querySelector(".scroll"), () => {
      log.append(...this.#pending.splice(0).map((entry) => this.#toRow(entry)));
      while (log.children.length > MOST_ROWS) {
        log.firstElementChild.remove();
        this.#drop(1);
      }
    });
    const dropped = this.querySelector(".dropped");
    dropped.hidden = this.#dropped === 0;
    fillFigures(dropped, { dropped: this.#dropped });
  }

  #drawTotals() {
    const { totals } = this.#recording;
    for (const name of ATTRIBUTES) {
      if (totals[name] === null) delete this.dataset[name];
      else this.dataset[name] = String(Math.round(totals[name]));
    }
    const figures = this.querySelector(".figures");
    fillFigures(figures, totals);
    for (const item of figures.querySelectorAll("[data-when]")) item.hidden = totals[item.dataset.when] === null;
  }

  #drawCurve() {
    const { curve, elapsed, totals } = this.#recording;
    const { width, height } = this.querySelector("svg").viewBox.baseVal;
    const until = totals.duration ?? elapsed;
    const most = curve.at(-1).count;
    const line = most ? stepPath(curve, { width, height, until, most }) : "";
    this.querySelector(".plot .line").setAttribute("d", line);
    this.querySelector(".plot .area").setAttribute("d", line && `${line}V${height}H0Z`);
    fillFigures(this.querySelector(".plot"), { characters: most, duration: until });
  }

  #drop(rows) {
    this.#dropped += rows;
  }

  #toRow(entry) {
    const row = rowOf(entry);
    this.#rows.set(entry, row);
    return row;
  }
}

customElements.define("wire-view", WireView);
