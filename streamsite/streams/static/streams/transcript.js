/** The text of a stream on the page. A long text stays cheap to append to, and its end stays in view. */

/**
 * The length of a block, in characters.
 *
 * A browser lays a whole block out again when text is appended to it. The text is therefore split into
 * blocks of about this length, and only the last block grows. A block ends after a line feed, where the
 * split is invisible, so that a longer line makes a longer block.
 */
const BLOCK_LENGTH = 4096;

/** After how many milliseconds text is written if no animation frame comes, as in a hidden tab. */
const WITHOUT_FRAMES = 250;

/** How many pixels above its end a scrolled region still counts as being at its end. */
const NEAR = 24;

/** Writes pieces into a region of the page, once for each animation frame. */
export class Transcript {
  #region;
  #onwrite;
  /** The number of the first piece, and the position in the text where each piece ends. */
  #first = 0;
  #ends = [];
  #pending = [];
  #frame = 0;
  #timer = 0;
  /** The block that grows, or null if the next text starts a new block. */
  #block = null;
  #blockLength = 0;
  #followsEnd = true;

  /**
   * @param {HTMLElement} region contains the text and nothing else
   * @param {() => void} onwrite is called after each change of the region
   */
  constructor(region, onwrite) {
    this.#region = region;
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
    if (this.#frame) return;
    const write = () => this.write();
    this.#frame = requestAnimationFrame(write);
    this.#timer = setTimeout(write, WITHOUT_FRAMES);
  }

  /** Write the added pieces now. */
  write() {
    this.#unschedule();
    this.#add(this.#pending.join(""));
    this.#pending = [];
    if (this.#followsEnd) this.#region.scrollTop = this.#region.scrollHeight;
    this.#onwrite();
  }

  /** Remove pieces from the end, so that the next piece is number `n`. */
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

  /** Remove all text. The next piece is number `first`. */
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
