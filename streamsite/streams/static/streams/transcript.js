/** The text of a stream on the page: long texts stay cheap, and its end stays in view. */

/**
 * A browser lays a block out anew when text is added to it. So the text goes into blocks of about
 * this many characters, of which only the last one grows. A block ends after a line feed, where it
 * can't be seen; a line longer than that has a block for itself.
 */
const BLOCK_LENGTH = 4096;

/** Milliseconds after which text is written where no frame comes, as in a hidden tab. */
const WITHOUT_FRAMES = 250;

/** How near to its end, in pixels, a scrolled region counts as being there. */
const NEAR = 24;

export class Transcript {
  #region;
  #onwrite;
  /** The number of the first piece, and where each one ends in the text. */
  #first = 0;
  #ends = [];
  #pending = [];
  #frame = 0;
  #timer = 0;
  /** The block that grows, or null when the next text begins one. */
  #block = null;
  #blockLength = 0;
  #followsEnd = true;

  /**
   * @param {HTMLElement} region gets the text and nothing else
   * @param {() => void} onwrite is called after each change to it
   */
  constructor(region, onwrite) {
    this.#region = region;
    this.#onwrite = onwrite;
    region.addEventListener("scroll", () => {
      const { scrollHeight, scrollTop, clientHeight } = region;
      this.#followsEnd = scrollHeight - scrollTop - clientHeight < NEAR;
    }, { passive: true });
  }

  /** Add a piece. It is written with all others of the same frame. */
  append(text) {
    this.#ends.push((this.#ends.at(-1) ?? 0) + text.length);
    this.#pending.push(text);
    if (this.#frame) return;
    const write = () => this.write();
    this.#frame = requestAnimationFrame(write);
    this.#timer = setTimeout(write, WITHOUT_FRAMES);
  }

  /** Write what was added, now. */
  write() {
    this.#unschedule();
    this.#add(this.#pending.join(""));
    this.#pending = [];
    if (this.#followsEnd) this.#region.scrollTop = this.#region.scrollHeight;
    this.#onwrite();
  }

  /** Take pieces back, so that the next one is number n. */
  truncate(n) {
    const kept = n - this.#first;
    if (kept <= 0 || kept > this.#ends.length) {
      this.clear(n);
      return;
    }
    this.write();
    this.#remove(this.#ends.at(-1) - this.#ends[kept - 1]);
    this.#ends.length = kept;
    this.#onwrite();
  }

  /** Begin anew, with piece number `first`. */
  clear(first = 0) {
    this.#unschedule();
    this.#first = first;
    this.#ends = [];
    this.#pending = [];
    this.#block = null;
    this.#followsEnd = true;
    this.#region.replaceChildren();
    this.#onwrite();
  }

  #unschedule() {
    cancelAnimationFrame(this.#frame);
    clearTimeout(this.#timer);
    this.#frame = 0;
  }

  #add(text) {
    for (let start = 0, end; start < text.length; start = end) {
      const room = Math.max(0, BLOCK_LENGTH - (this.#block ? this.#blockLength : 0));
      const lineEnd = text.indexOf("\n", start + room);
      end = lineEnd < 0 ? text.length : lineEnd + 1;
      this.#addToBlock(text.slice(start, end));
      if (this.#blockLength >= BLOCK_LENGTH && text[end - 1] === "\n") this.#block = null;
    }
  }

  #addToBlock(text) {
    if (!this.#block) {
      this.#block = document.createElement("div");
      this.#blockLength = 0;
      this.#region.append(this.#block);
    }
    const node = this.#block.lastChild;
    if (node && node.length < BLOCK_LENGTH) node.appendData(text);
    else this.#block.append(text);
    this.#blockLength += text.length;
  }

  #remove(length) {
    for (let left = length; left > 0;) {
      const block = this.#region.lastChild;
      const node = block.lastChild;
      const cut = Math.min(left, node.length);
      node.deleteData(node.length - cut, cut);
      if (node.length === 0) node.remove();
      if (!block.hasChildNodes()) block.remove();
      left -= cut;
    }
    this.#block = this.#region.lastChild;
    this.#blockLength = this.#block?.textContent.length ?? 0;
  }
}
