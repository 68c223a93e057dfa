/**
 * A row of a terminal, and the width of its characters.
 *
 *     const row = new Row();
 *     row.append("ten", 3, PLAIN);
 *     row.put(0, "m", 1, PLAIN);
 *     row.runs(); // [{ text: "men", style: PLAIN }]
 */

import { PLAIN } from "./terminal-style.js";

const TAB = 8;

const ASCII = /^[ -~]*$/;

/** Marks, joiners and the like, which have no column of their own. */
const WITHOUT_WIDTH = /^[\p{M}\p{Cf}\p{Emoji_Modifier}]$/u;

/** Characters that take two columns: most of UAX #11's W and F, without its table of 120 ranges. */
const WIDE = /^[\p{Emoji_Presentation}\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Hangul}\u3000-\u303e\uff01-\uff60\uffe0-\uffe6]$/u;

const BLANK = Object.freeze({ text: " ", style: PLAIN });

/** A row. `dirty` is for whoever draws the row. */
export class Row {
  dirty = true;
  /** What separates this row from the next: nothing where the text was wrapped, or for the last row. */
  end = "";
  /** The number of columns. */
  length = 0;
  /** The text in runs of one style, as it was appended. Most rows of a log never change. */
  #runs = [];
  /** In a row that was changed: for each column its text and style; "" after a wide character. */
  #cells = null;

  /** Add text at the end. */
  append(text, width, style) {
    this.dirty = true;
    if (this.#cells) {
      for (const char of text) this.put(this.length, char, columns(char, this.length), style);
      return;
    }
    const last = this.#runs.at(-1);
    if (last?.style.key === style.key) last.text += text;
    else this.#runs.push({ text, style });
    this.length += width;
  }

  /** Write a character of this width at a column. One without a width joins the character before. */
  put(x, char, width, style) {
    this.dirty = true;
    const cells = this.#expand();
    if (width === 0) {
      let i = Math.min(x, cells.length) - 1;
      while (i > 0 && cells[i].text === "") i -= 1;
      if (i >= 0) cells[i] = { text: cells[i].text + char, style: cells[i].style };
      return;
    }
    this.#halve(x);
    this.#halve(x + width);
    while (cells.length < x) cells.push(BLANK);
    cells[x] = { text: char, style };
    for (let i = 1; i < width; i += 1) cells[x + i] = { text: "", style };
    this.length = cells.length;
  }

  /** Make the columns from one to before another blank. Blanks at the end of a row are no text. */
  erase(from, to = Infinity) {
    this.dirty = true;
    const cells = this.#expand();
    if (from >= cells.length) return;
    this.#halve(from);
    this.#halve(to);
    if (to < cells.length) cells.fill(BLANK, from, to);
    else this.length = cells.length = from;
  }

  /** Return the text in runs of one style: `[{text, style}]`. */
  runs() {
    if (!this.#cells) return this.#runs;
    const runs = [];
    for (const { text, style } of this.#cells) {
      if (runs.at(-1)?.style.key === style.key) runs.at(-1).text += text;
      else runs.push({ text, style });
    }
    return runs;
  }

  #expand() {
    if (!this.#cells) {
      this.#cells = [];
      const runs = this.#runs;
      this.length = 0;
      for (const { text, style } of runs) {
        for (const char of text) {
          this.put(this.length, char, columns(char, this.length), style);
        }
      }
    }
    return this.#cells;
  }

  /** Replace by blanks a wide character that has a column on either side of a border. */
  #halve(x) {
    const cells = this.#cells;
    if (cells[x]?.text !== "") return;
    let start = x;
    while (start > 0 && cells[start].text === "") start -= 1;
    for (let i = start; i === start || cells[i]?.text === ""; i += 1) cells[i] = BLANK;
  }
}

/** Return how many columns a character takes. */
export function widthOf(char) {
  if (char < "\u0300") return 1;
  if (char >= "\u4e00" && char <= "\u9fff") return 2; // The most frequent ones first.
  if (WITHOUT_WIDTH.test(char)) return 0;
  return WIDE.test(char) ? 2 : 1;
}

/** Return how many columns a character takes that begins at a column: for a tab, those up to its stop. */
export function columns(char, x) {
  return char === "\t" ? TAB - (x % TAB) : widthOf(char);
}

/** Return how many columns a text without control characters takes. */
export function widthOfText(text) {
  if (ASCII.test(text)) return text.length;
  let width = 0;
  for (const char of text) width += widthOf(char);
  return width;
}
