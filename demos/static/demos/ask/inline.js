/** The inline part of the Markdown parser: code, emphasis, links, line breaks. Pure functions. */

/** How many open marks a closing mark looks back at, so that a text of marks takes no quadratic time. */
const MOST_BACK = 100;
/** How deep emphasis may be nested. */
const MOST_DEPTH = 24;

const PLAIN = /[^\\`*_~[\]!<&\nhm]+/y;
const BARE = /(?:https?:\/\/|mailto:)[^\s<>"'`|]{0,2000}[^\s<>"'`|.,;:!?*_~)\]]/iy;
const BRACKETED = /<((?:https?:\/\/|mailto:)[^\s<>]*|[\w.+-]+@[\w-]+(?:\.[\w-]+)+)>/iy;
const DESTINATION = /\(\s*(?:<([^<>\n]*)>|((?:[^\s()\\]|\\.|\((?:[^\s()\\]|\\.)*\))*))(?:\s+(?:"[^"]*"|'[^']*'))?\s*\)/y;
const ENTITY = /&(?:#(\d{1,7})|#[xX]([\da-fA-F]{1,6})|(\w{2,8}));/y;
const BREAK_TAG = /<br\s*\/?>/iy;
const ENTITIES = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'", nbsp: "\u00A0", ndash: "–", mdash: "—", hellip: "…", copy: "©", times: "×", rarr: "→", larr: "←" };
const PUNCTUATION = /[\p{P}\p{S}]/u;
const SCHEMES = new Set(["http:", "https:", "mailto:"]);

/**
 * Return an address as a browser normalises it, or null unless its scheme is http, https or mailto.
 * A relative address is refused too, because a model doesn't know the site.
 */
export function safeAddress(text) {
  try {
    const url = new URL(text.trim());
    return SCHEMES.has(url.protocol) ? url.href : null;
  } catch {
    return null;
  }
}

/** Return the nodes of a text, as `markdown.js` describes them. */
export function parseInline(text) {
  return new Inline(text).parse();
}

class Inline {
  /** Nodes, and marks that may begin or end an emphasis: `{ mark, count, opens, closes }`. */
  #out = [];
  /** The open brackets: their places in `#out` and in the text. */
  #brackets = [];
  /** The lengths of backtick runs that nothing closes. */
  #unclosed = new Set();
  #place = 0;

  constructor(text) {
    this.text = text;
  }

  parse() {
    while (this.#place < this.text.length) this.#step();
    return joined(emphasised(this.#out));
  }

  #step() {
    const character = this.text[this.#place];
    switch (character) {
      case "\\": return this.#escape();
      case "`": return this.#code();
      case "*": case "_": case "~": return this.#mark(character);
      case "!": case "[": return this.#open(character);
      case "]": return this.#close();
      case "<": return this.#angle();
      case "&": return this.#entity();
      case "\n": return this.#lineBreak();
      case "h": case "m": return this.#address();
    }
    return this.#take(this.#match(PLAIN) ?? [character]);
  }

  /** Match a sticky pattern at the current place. */
  #match(pattern) {
    pattern.lastIndex = this.#place;
    return pattern.exec(this.text);
  }

  #take([text], node = text) {
    this.#place += text.length;
    this.#out.push(node);
  }

  #escape() {
    const next = this.text[this.#place + 1];
    if (next === "\n") return this.#take(["\\\n"], element("br"));
    if (next && next < "\x7F" && PUNCTUATION.test(next)) return this.#take([`\\${next}`], next);
    return this.#take(["\\"]);
  }

  #code() {
    const [run] = /^`+/.exec(this.text.slice(this.#place, this.#place + 200));
    const end = this.#unclosed.has(run.length) ? -1 : this.#runAfter(this.#place + run.length, run);
    if (end < 0) {
      this.#unclosed.add(run.length);
      return this.#take([run]);
    }
    const inner = this.text.slice(this.#place + run.length, end).replaceAll("\n", " ");
    const stripped = /^ .*\S.* $/.test(inner) ? inner.slice(1, -1) : inner;
    return this.#take([this.text.slice(this.#place, end + run.length)], element("code", [stripped]));
  }

  /** Return the place of the next run of backticks that has exactly this length, or -1. */
  #runAfter(place, run) {
    for (let found = this.text.indexOf(run, place); found >= 0;) {
      let end = found;
      while (this.text[end] === "`") end += 1;
      if (end - found === run.length) return found;
      found = this.text.indexOf(run, end);
    }
    return -1;
  }

  #mark(mark) {
    let end = this.#place;
    while (this.text[end] === mark) end += 1;
    const count = end - this.#place;
    const before = characterBefore(this.text, this.#place);
    const after = characterAfter(this.text, end);
    const run = this.text.slice(this.#place, end);
    if (mark === "~" && count !== 2) return this.#take([run]);
    const left = flanks(after, before);
    const right = flanks(before, after);
    // An underscore inside a word is part of a name. Chinese has no spaces, so an asterisk may be anywhere.
    const opens = mark === "_" ? left && (!right || PUNCTUATION.test(before)) : left;
    const closes = mark === "_" ? right && (!left || PUNCTUATION.test(after)) : right;
    return this.#take([run], { mark, count, opens, closes });
  }

  #open(character) {
    const image = character === "!";
    if (image && this.text[this.#place + 1] !== "[") return this.#take(["!"]);
    this.#brackets.push({ place: this.#out.length, image });
    return this.#take([image ? "![" : "["]);
  }

  #close() {
    const bracket = this.#brackets.pop();
    this.#place += 1;
    const target = bracket && this.#match(DESTINATION);
    if (!target) {
      this.#out.push("]");
      return;
    }
    this.#place += target[0].length;
    const address = target[1] ?? target[2];
    const children = joined(emphasised(this.#out.splice(bracket.place).slice(1)));
    if (children.length === 0) children.push(address);
    const href = safeAddress(unescaped(address));
    // The image of a link is the words of the link.
    if (href === null || (bracket.image && this.#brackets.length > 0)) {
      this.#out.push(...children);
      return;
    }
    this.#out.push({ ...element("a", children), href });
    // A link has no links in it.
    if (!bracket.image) this.#brackets = [];
  }

  #angle() {
    if (this.#match(BREAK_TAG)) return this.#take(this.#match(BREAK_TAG), element("br"));
    const found = this.#match(BRACKETED);
    if (!found) return this.#take(["<"]);
    const href = safeAddress(/^(?:https?|mailto):/i.test(found[1]) ? found[1] : `mailto:${found[1]}`);
    return this.#take(found, href === null ? found[1] : { ...element("a", [found[1]]), href });
  }

  #address() {
    const inWord = /[\p{L}\p{N}]/u.test(characterBefore(this.text, this.#place));
    const found = inWord && this.text[this.#place - 1] < "\x7F" ? null : this.#match(BARE);
    // The address in the words of a link is no link of its own.
    const href = found && this.#brackets.length === 0 ? safeAddress(found[0]) : null;
    if (href) return this.#take(found, { ...element("a", [found[0]]), href });
    return this.#take([this.text[this.#place]]);
  }

  #entity() {
    const found = this.#match(ENTITY);
    const text = found && characterOf(found);
    return text ? this.#take(found, text) : this.#take(["&"]);
  }

  #lineBreak() {
    const before = this.#out.at(-1);
    if (typeof before === "string" && before.endsWith("  ")) {
      this.#out[this.#out.length - 1] = before.trimEnd();
      return this.#take(["\n"], element("br"));
    }
    return this.#take(["\n"]);
  }
}

/**
 * Turn marks into elements: each closing mark takes the nearest open mark of its kind.
 * The source is CommonMark's "process emphasis", without its rule of three.
 */
function emphasised(items) {
  const out = [];
  /** The marks in `out` that may still open: their places. */
  const open = [];
  for (const item of items) {
    if (typeof item === "string" || item.tag) {
      out.push(item);
      continue;
    }
    const mark = { ...item };
    while (mark.closes && mark.count > 0) {
      const at = openingOf(open, out, mark);
      if (at < 0) break;
      const opening = out[open[at]];
      const depth = 1 + Math.max(0, ...out.slice(open[at] + 1).slice(-MOST_BACK).map((each) => depths.get(each) ?? 0));
      if (depth > MOST_DEPTH) {
        open.length = at;
        break;
      }
      const size = Math.min(opening.count, mark.count, 2);
      const children = out.splice(open[at] + 1).map(asText);
      opening.count -= size;
      mark.count -= size;
      open.length = opening.count > 0 ? at + 1 : at;
      if (opening.count === 0) out.pop();
      const tag = mark.mark === "~" ? "del" : size === 2 ? "strong" : "em";
      out.push(element(tag, joined(children)));
      depths.set(out.at(-1), depth);
    }
    if (mark.count === 0) continue;
    if (mark.opens) open.push(out.length);
    out.push(mark);
  }
  return out.map(asText);
}

/** How deep the emphasis in an element is nested. @type {WeakMap<object, number>} */
const depths = new WeakMap();

function openingOf(open, out, mark) {
  const last = Math.max(0, open.length - MOST_BACK);
  for (let at = open.length - 1; at >= last; at--) {
    if (out[open[at]].mark === mark.mark && (mark.mark !== "~" || out[open[at]].count === 2)) return at;
  }
  return -1;
}

/** Return a mark that marks nothing as its text. */
function asText(item) {
  return item.mark ? item.mark.repeat(item.count) : item;
}

/** Join the texts that follow one another. */
function joined(nodes) {
  const out = [];
  for (const node of nodes) {
    if (typeof node === "string" && typeof out.at(-1) === "string") out[out.length - 1] += node;
    else out.push(node);
  }
  return out;
}

/** Return whether a run of marks touches the word on the side of `inner`. CommonMark, "flanking". */
function flanks(inner, outer) {
  if (inner === "" || /\s/.test(inner)) return false;
  return !PUNCTUATION.test(inner) || outer === "" || /\s/.test(outer) || PUNCTUATION.test(outer) || isHan(outer);
}

/**
 * Return whether a character is Chinese or Japanese. Next to one, punctuation inside of the marks doesn't
 * keep them from being marks: models write `**“重点”**是`.
 */
function isHan(character) {
  return /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}]/u.test(character);
}

function characterBefore(text, place) {
  return place ? [...text.slice(Math.max(0, place - 2), place)].at(-1) : "";
}

function characterAfter(text, place) {
  return String.fromCodePoint(text.codePointAt(place) ?? 0x20).trim();
}

function characterOf([, decimal, hexadecimal, name]) {
  if (name) return Object.hasOwn(ENTITIES, name) ? ENTITIES[name] : "";
  const code = decimal ? Number(decimal) : Number.parseInt(hexadecimal, 16);
  return code > 0 && code <= 0x10FFFF && !(code >= 0xD800 && code <= 0xDFFF) ? String.fromCodePoint(code) : "\uFFFD";
}

function unescaped(text) {
  return text.replace(/\\([!-/:-@[-`{-~])/g, "$1").replace(/&(?:#(\d{1,7})|#[xX]([\da-fA-F]{1,6})|(\w{2,8}));/g, (whole, ...groups) => characterOf([whole, ...groups]) || whole);
}

function element(tag, children = []) {
  return { tag, children };
}
