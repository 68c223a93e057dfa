/** Text on a page, as it is. A long text stays cheap to append to. */

/**
 * The length of a block, in characters.
 *
 * A browser lays a whole block out again when text is appended to it. The text is therefore split into
 * blocks of about this length, and only the last block grows. A block ends after a line feed, where the
 * split is invisible, so that a longer line makes a longer block.
 */
export const BLOCK_LENGTH = 4096;

export class PlainText {
  #region;
  /** The block that grows, or null if the next text starts a new block. */
  #block = null;
  #blockLength = 0;

  /** @param {HTMLElement} region contains the text and nothing else */
  constructor(region) {
    this.#region = region;
  }

  add(text) {
    for (let start = 0, end; start < text.length; start = end) {
      const room = Math.max(0, BLOCK_LENGTH - (this.#block ? this.#blockLength : 0));
      const lineEnd = text.indexOf("\n", start + room);
      end = lineEnd < 0 ? text.length : lineEnd + 1;
      this.#addToBlock(text.slice(start, end));
      if (this.#blockLength >= BLOCK_LENGTH && text[end - 1] === "\n") this.#block = null;
    }
  }

  /** Show what was added. Plain text is shown at once. */
  draw() {}

  clear() {
    this.#block = null;
    this.#region.replaceChildren();
  }

  /** Remove characters from the end. */
  remove(length) {
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
}
