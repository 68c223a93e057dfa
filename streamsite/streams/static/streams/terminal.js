/**
 * A terminal: the rows that a text with control sequences shows.
 *
 *     const terminal = new Terminal();
 *     terminal.write("10 %\r20 %\n\x1b[32mdone");
 *     terminal.rows.map((row) => row.runs()); // [[{ text: "20 %", … }], [{ text: "done", … }]]
 *
 * The terminal knows what build logs use: colours and the like, carriage return, backspace, tabs, and the
 * movements and erasures of progress bars. It drops all other sequences. The parser has the states of
 * https://vt100.net/emu/dec_ansi_parser, and the sequences are those of ECMA-48 and of xterm
 * (https://invisible-island.net/xterm/ctlseqs/ctlseqs.html).
 *
 * A log differs from a screen: nothing that was printed long ago changes, so that only the last rows can
 * be written again, and "erase all" begins a new screen below the text instead of erasing the log.
 */

import { columns, Row, widthOf, widthOfText } from "./terminal-row.js";
import { PLAIN, rendered } from "./terminal-style.js";

/** How many rows the cursor can reach. A program moves no further up than its terminal is high. */
const SCREEN = 100;

/** The last column that a movement reaches, so that few bytes can't make much blank text. */
const COLUMNS = 500;

/** The length of a row, at which the terminal wraps. Rows stay cheap to draw. */
const WIDTH = 4096;

/** The longest parameters of a control sequence. The longest in use is a colour with 20 characters. */
const PARAMETERS = 128;

/** How many changes of style are remembered. A rainbow has more of them than a log. */
const STYLES = 1000;

const TEXT = /\P{Cc}+/uy;

/** The state after a text. `write` takes the text in parts, which may end anywhere. */
export class Terminal {
  /** The rows that may still change, at most SCREEN of them. */
  rows = [new Row()];
  /** Whether the text has used the terminal for anything that plain text can't do. */
  used = false;
  #done = [];
  #x = 0;
  #y = 0;
  #saved = { x: 0, y: 0 };
  #style = PLAIN;
  /** The styles that changes of style have led to. */
  #styles = new Map();
  /** What takes the next character: one of the methods below. */
  #state = this.#ground;
  #parameters = "";

  /** Add text. */
  write(text) {
    for (let i = 0; i < text.length;) {
      TEXT.lastIndex = i;
      const run = this.#state === this.#ground ? TEXT.exec(text)?.[0] : undefined;
      const taken = run ?? String.fromCodePoint(text.codePointAt(i));
      if (run) this.#print(run);
      else this.#take(taken);
      i += taken.length;
    }
  }

  /** Return the rows that have left the screen since the last call, and will not change any more. */
  takeDone() {
    const done = this.#done;
    this.#done = [];
    return done;
  }

  // The parser.

  #take(char) {
    const code = char.charCodeAt(0);
    if (char === "\x1b") {
      this.#state = this.#escape;
    } else if (char === "\x18" || char === "\x1a") {
      this.#state = this.#ground; // CAN and SUB cancel a sequence.
    } else if (code >= 0x80 && code < 0xa0) {
      // A C1 control is ESC and another character in one.
      this.#state = this.#escape;
      this.#take(String.fromCharCode(code - 0x40));
    } else if (code < 0x20 && this.#state !== this.#string) {
      this.#control(char);
    } else {
      this.#state(char);
    }
  }

  #ground(char) {
    if (char !== "\x7f") this.#print(char);
  }

  #escape(char) {
    this.#state = this.#ground;
    if (char === "[") {
      this.#parameters = "";
      this.#state = this.#sequence;
    } else if ("]PX^_".includes(char)) {
      this.#state = this.#string;
    } else if (char < "0") {
      this.#state = this.#designation;
    } else if (char > "~") {
      this.#ground(char);
    } else {
      this.#escaped(char);
    }
  }

  /** The middle of a sequence such as `ESC ( B`, which chooses a character set. */
  #designation(char) {
    if (char >= "0") this.#state = this.#ground;
  }

  #sequence(char) {
    if (char < "@") {
      // A "?" makes the sequence private, so that it is dropped.
      this.#parameters = this.#parameters.length < PARAMETERS ? this.#parameters + char : "?";
      return;
    }
    this.#state = this.#ground;
    if (char > "~") this.#ground(char);
    else if (/^[\d;:]*$/.test(this.#parameters)) this.#run(char, this.#parameters);
    else this.used = true;
  }

  /**
   * A title, a hyperlink's address, an image. One that was cut off would take the rest of the log with it,
   * so that a line feed ends it, too.
   */
  #string(char) {
    if (char !== "\x07" && char !== "\n") return;
    this.#state = this.#ground;
    if (char === "\n") this.#control(char);
  }

  // What the sequences do.

  #control(char) {
    if (char === "\n" || char === "\v" || char === "\f") this.#feed("\n");
    else if (char === "\r") this.#x = 0;
    else if (char === "\b") this.#x = Math.max(0, this.#x - 1);
    else if (char === "\t") this.#tab();
  }

  #escaped(char) {
    if (char === "7") this.#save();
    else if (char === "8") this.#restore();
    else if (char === "D") this.#move(this.#x, this.#y + 1);
    else if (char === "E") this.#feed("\n");
    else if (char === "M") this.#move(this.#x, this.#y - 1);
    else if (char === "c") this.#style = PLAIN;
    else return;
    this.used = true;
  }

  #run(char, parameters) {
    this.used = true;
    const [first, second] = parameters.split(";").map(Number);
    const count = Math.max(1, first || 1);
    if (char === "m") this.#render(parameters);
    else if (char === "A") this.#move(this.#x, this.#y - count);
    else if (char === "B") this.#move(this.#x, this.#y + count);
    else if (char === "C") this.#move(this.#x + count, this.#y);
    else if (char === "D") this.#move(this.#x - count, this.#y);
    else if (char === "E") this.#move(0, this.#y + count);
    else if (char === "F") this.#move(0, this.#y - count);
    else if (char === "G" || char === "`") this.#move(count - 1, this.#y);
    else if (char === "H" || char === "f") this.#place((second || 1) - 1, count - 1);
    else if (char === "d") this.#place(this.#x, count - 1);
    else if (char === "J") this.#eraseScreen(first);
    else if (char === "K") this.#eraseRow(first);
    else if (char === "X") this.#row.erase(this.#x, Math.min(this.#x + count, WIDTH));
    else if (char === "s") this.#save();
    else if (char === "u") this.#restore();
  }

  get #row() {
    return this.rows[this.#y];
  }

  #print(text) {
    const row = this.#row;
    const width = widthOfText(text);
    if (this.#x === row.length && this.#x + width <= WIDTH) {
      row.append(text, width, this.#style);
      this.#x += width;
      return;
    }
    if (this.#x < row.length) this.used = true;
    for (const char of text) this.#put(char, widthOf(char));
  }

  #put(char, width) {
    if (this.#x + width > WIDTH) this.#feed("");
    this.#row.put(this.#x, char, width, this.#style);
    this.#x += width;
  }

  /** Go to the start of the next row. `end` separates the two rows if the next row is new. */
  #feed(end) {
    this.#x = 0;
    this.#y += 1;
    if (this.#y === this.rows.length) this.#add(end);
  }

  #add(end) {
    const last = this.rows.at(-1);
    last.end = end;
    last.dirty = true;
    this.rows.push(new Row());
    if (this.rows.length > SCREEN) {
      this.#done.push(this.rows.shift());
      this.#y -= 1;
      this.#saved.y = Math.max(0, this.#saved.y - 1);
    }
  }

  /** A tab at the end of a row is kept as a character, to be copied. Any other moves the cursor. */
  #tab() {
    const width = columns("\t", this.#x);
    if (this.#x + width > WIDTH) return;
    if (this.#x === this.#row.length) this.#row.append("\t", width, this.#style);
    this.#x += width;
  }

  /** Move within the rows that there are. */
  #move(x, y) {
    this.#x = Math.max(0, Math.min(x, Math.max(this.#x, COLUMNS)));
    this.#y = Math.max(0, Math.min(y, this.rows.length - 1));
  }

  /** Move to a place on the screen, whether or not the screen has so many rows yet. */
  #place(x, y) {
    for (let i = this.rows.length; i <= Math.min(y, SCREEN - 1); i += 1) this.#add("\n");
    this.#move(x, y);
  }

  #save() {
    this.#saved = { x: this.#x, y: this.#y };
  }

  #restore() {
    this.#move(this.#saved.x, this.#saved.y);
  }

  #eraseRow(which) {
    if (which === 1) this.#row.erase(0, this.#x + 1);
    else if (which === 2) this.#row.erase(0);
    else this.#row.erase(this.#x);
  }

  #eraseScreen(which) {
    if (which === 2) {
      this.#begin();
    } else if (which === 1) {
      for (const row of this.rows.slice(0, this.#y)) row.erase(0);
      this.#eraseRow(1);
    } else if (which === 0) {
      this.#eraseRow(0);
      this.#removeBelow();
    }
  }

  #removeBelow() {
    this.rows.length = this.#y + 1;
    this.#row.end = "";
    this.#row.dirty = true;
  }

  /** Begin a new screen below the text. The text above it changes no more. */
  #begin() {
    if (this.rows.at(-1).length > 0) this.#add("\n");
    this.#done.push(...this.rows.splice(0, this.rows.length - 1));
    this.#saved = { x: 0, y: 0 };
    this.#x = this.#y = 0;
  }

  /** "Select graphic rendition". */
  #render(parameters) {
    // A log has few styles and many changes between them, each of which would make an object.
    const change = `${this.#style.key}>${parameters}`;
    if (this.#styles.size > STYLES) this.#styles.clear();
    if (!this.#styles.has(change)) this.#styles.set(change, rendered(this.#style, parameters));
    this.#style = this.#styles.get(change);
  }
}
