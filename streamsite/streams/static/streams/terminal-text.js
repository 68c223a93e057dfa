/**
 * Text on a page, as a terminal shows it. The colours are classes of stream-output.css.
 *
 * A row is a text node, or spans where the text has a style. Line feeds between the rows make that copying
 * gives the text. Only rows that have changed are drawn again.
 */

import { BLOCK_LENGTH } from "./plain-text.js";
import { PLAIN } from "./terminal-style.js";
import { Terminal } from "./terminal.js";

/** The most rows of a block. See BLOCK_LENGTH. */
const BLOCK_ROWS = 100;

/** The class of a region whose text has used the terminal for more than plain text. */
const USED = "stream-output-terminal";

/** The flags of a style that are classes of their own. */
const FLAGS = ["bold", "dim", "italic", "underline", "strike"];

/** Black, white and the greys. On a coloured background they mean "readable". */
const NEUTRAL = [0, 7, 8, 15];

/** The background colours of the 16 that are dark. */
const DARK = [0, 1, 4, 5, 8];

/** The relative luminance at which black and white text have the same contrast: WCAG 2.2, 1.4.3. */
const MIDDLE = 0.179;

/** Writes text with control sequences into a region of the page. */
export class TerminalText {
  #region;
  #terminal = new Terminal();
  /** The text so far, to be written again when its end is removed. */
  #texts = [];
  /** The nodes of each drawn row that may still change. */
  #drawn = new Map();
  /** The last row that can't change any more. */
  #lastDone = null;
  /** The block that takes new rows. */
  #block = null;
  #blockLength = 0;
  #blockRows = 0;

  /** @param {HTMLElement} region contains the text and nothing else */
  constructor(region) {
    this.#region = region;
  }

  /** Add text. `draw` shows it. */
  add(text) {
    this.#texts.push(text);
    this.#terminal.write(text);
  }

  /** Draw the rows that have changed. */
  draw() {
    const done = this.#terminal.takeDone();
    const { rows } = this.#terminal;
    let before = this.#lastDone;
    for (const row of done) {
      if (row.dirty) this.#draw(row, before, true);
      this.#drawn.delete(row);
      before = this.#lastDone = row;
    }
    for (const row of rows) {
      if (row.dirty) this.#draw(row, before, false);
      before = row;
    }
    if (this.#drawn.size > rows.length) this.#removeErased();
    this.#region.classList.toggle(USED, this.#terminal.used);
  }

  /** Remove all text, and forget the state of the terminal. */
  clear() {
    this.#terminal = new Terminal();
    this.#texts = [];
    this.#drawn.clear();
    this.#lastDone = this.#block = null;
    this.#region.replaceChildren();
    this.#region.classList.remove(USED);
  }

  /** Remove characters from the end. They may have changed any row, so the rest is written again. */
  remove(length) {
    const text = this.#texts.join("");
    this.clear();
    this.add(text.slice(0, text.length - length));
    this.draw();
  }

  #draw(row, before, done) {
    row.dirty = false;
    const runs = row.runs().map(({ text, style }) => ({ text, style }));
    // An empty row has a node, too, which keeps its place.
    if (runs.at(-1)?.style.key === PLAIN.key) runs.at(-1).text += row.end;
    else runs.push({ text: row.end, style: PLAIN });
    const old = this.#drawn.get(row);
    if (!old) this.#openBlock(row, before);
    // The rows of a long log share text nodes, once they can't change any more.
    const last = this.#block.lastChild;
    if (done && !old && runs[0].style.key === PLAIN.key && last instanceof Text && last.length < BLOCK_LENGTH) {
      last.appendData(runs.shift().text);
    }
    const nodes = runs.map(({ text, style }) => (style.key === PLAIN.key ? new Text(text) : span(text, style)));
    if (old) {
      old[0].before(...nodes);
      for (const node of old) node.remove();
    } else {
      this.#block.append(...nodes);
    }
    this.#drawn.set(row, nodes);
  }

  #openBlock(row, before) {
    const full = this.#blockLength >= BLOCK_LENGTH || this.#blockRows >= BLOCK_ROWS;
    if (!this.#block || (full && before?.end === "\n")) {
      this.#block = document.createElement("div");
      this.#blockLength = this.#blockRows = 0;
      this.#region.append(this.#block);
    }
    this.#blockLength += row.length;
    this.#blockRows += 1;
  }

  #removeErased() {
    for (const [row, nodes] of this.#drawn) {
      if (this.#terminal.rows.includes(row)) continue;
      for (const node of nodes) node.remove();
      this.#drawn.delete(row);
    }
  }
}

function span(text, style) {
  const element = document.createElement("span");
  const [fg, bg] = style.inverse ? [style.bg, style.fg] : [style.fg, style.bg];
  element.classList.add(...FLAGS.filter((flag) => style[flag]).map((flag) => `ansi-${flag}`));
  if (bg !== null) {
    paint(element, "bg", bg);
    element.classList.add(isDark(bg) ? "ansi-on-dark" : "ansi-on-light");
  } else if (style.inverse) {
    element.classList.add("ansi-inverse");
  }
  if (fg !== null && (bg === null || !NEUTRAL.includes(fg))) paint(element, "fg", fg);
  element.append(text);
  return element;
}

/** Give an element one of the 16 colours by its class, or any other colour by a property. */
function paint(element, name, colour) {
  if (Array.isArray(colour)) {
    element.classList.add(`ansi-${name}`);
    element.style.setProperty(`--ansi-${name}`, `rgb(${colour.join(" ")})`);
  } else {
    element.classList.add(`ansi-${name}-${colour}`);
  }
}

function isDark(colour) {
  if (!Array.isArray(colour)) return DARK.includes(colour);
  const [red, green, blue] = colour.map((part) => (part / 255) ** 2.2);
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue < MIDDLE;
}
