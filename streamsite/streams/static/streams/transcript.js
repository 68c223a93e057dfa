/**
 * The pieces of a stream on the page. They are written once for each animation frame, and the end of the
 * text stays in view.
 */

import { PlainText } from "./plain-text.js";

/** After how many milliseconds text is written if no animation frame comes, as in a hidden tab. */
const WITHOUT_FRAMES = 250;

/** How many pixels above its end a scrolled region still counts as being at its end. */
const NEAR = 24;

/** For how many milliseconds text is written in one frame. The rest of the text waits for the next frame. */
const BUDGET = 8;

/** How many characters are written between two looks at the clock, or one piece if it is longer. */
const SLICE = 16_384;

/** Writes pieces into a region of the page. */
export class Transcript {
  #region;
  #text;
  #onwrite;
  /** The number of the first piece, and the position in the text where each piece ends. */
  #first = 0;
  #ends = [];
  /** The pieces that wait to be written, from the index `#next` on. */
  #pending = [];
  #next = 0;
  /** The callbacks that wait until no piece waits. */
  #waiting = [];
  #frame = 0;
  #timer = 0;
  #followsEnd = true;

  /**
   * @param {HTMLElement} region contains the text and nothing else
   * @param {() => void} onwrite is called after each change of the region that leaves no piece waiting
   */
  constructor(region, onwrite) {
    this.#region = region;
    this.#text = new PlainText(region);
    this.#onwrite = onwrite;
    region.addEventListener("scroll", () => {
      const { scrollHeight, scrollTop, clientHeight } = region;
      this.#followsEnd = scrollHeight - scrollTop - clientHeight < NEAR;
    }, { passive: true });
  }

  /** Add a piece. All pieces of one frame are written together. */
  append(text) {
    this.#ends.push((this.#ends.at(-1) ?? 0) + text.length);
    this.#pending.push(text);
    if (!this.#frame) this.#schedule();
  }

  /** Write the added pieces now. */
  write() {
    this.#write(Infinity);
  }

  /** Resolve when all added pieces are written: at once unless there are many. */
  written() {
    this.#write(BUDGET);
    if (this.#pending.length === 0) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** Remove pieces from the end, so that the next piece is number `n`. */
  truncate(n) {
    const kept = n - this.#first;
    if (kept <= 0 || kept > this.#ends.length) {
      this.clear(n);
      return;
    }
    this.write();
    this.#text.remove(this.#ends.at(-1) - this.#ends[kept - 1]);
    this.#ends.length = kept;
    this.#onwrite();
  }

  /**
   * Remove all text. The next piece is number `first`.
   * @param {typeof PlainText | typeof import("./terminal-text.js").TerminalText} [Text] shows the new text
   */
  clear(first = 0, Text = this.#text.constructor) {
    this.#text.clear();
    this.#text = new Text(this.#region);
    this.#first = first;
    this.#ends = [];
    this.#pending = [];
    this.#next = 0;
    this.#followsEnd = true;
    this.#finish();
  }

  #schedule() {
    // In a hidden tab, no frame is late.
    const write = () => this.#write(document.hidden ? Infinity : BUDGET);
    this.#frame = requestAnimationFrame(write);
    this.#timer = setTimeout(write, WITHOUT_FRAMES);
  }

  #unschedule() {
    cancelAnimationFrame(this.#frame);
    clearTimeout(this.#timer);
    this.#frame = 0;
  }

  #write(budget) {
    this.#unschedule();
    const end = performance.now() + budget;
    do {
      this.#text.add(this.#take());
      this.#text.draw();
    } while (this.#next < this.#pending.length && performance.now() < end);
    if (this.#followsEnd) this.#region.scrollTop = this.#region.scrollHeight;
    if (this.#next < this.#pending.length) {
      this.#schedule();
      return;
    }
    this.#pending = [];
    this.#next = 0;
    this.#finish();
  }

  #take() {
    const start = this.#next;
    for (let length = 0; this.#next < this.#pending.length && length < SLICE; this.#next += 1) {
      length += this.#pending[this.#next].length;
    }
    return this.#pending.slice(start, this.#next).join("");
  }

  #finish() {
    this.#unschedule();
    this.#onwrite();
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}
