/**
 * A Markdown parser: text in, a tree of nodes out, without any DOM.
 *
 * The parser knows what models write: paragraphs, headings, lists, code, quotes, tables, rules, emphasis
 * and links. HTML in the text stays text. A tree has only the tags of `TAGS`, and a link has only an
 * address that `safeAddress` lets pass, so no text can make a script of itself.
 *
 * Differences from CommonMark: a line of dashes below a paragraph is a rule, not a heading (a heading would
 * flash up while a list is being written), an image is a link, and there are no reference links.
 *
 * Sources: https://spec.commonmark.org/0.31.2/ and https://github.github.com/gfm/.
 */

import { parseInline } from "./inline.js";

/**
 * A node is a text, or an element. `code` is the content of a code block, whose `language` may be "".
 *
 * @typedef {string | {
 *   tag: string, children: Node[], href?: string, start?: number, align?: string, language?: string, code?: string,
 * }} Node
 * @typedef {Node & { from: number }} Block a block, and the place of its first character in the text
 */

/** The tags that a tree may have. */
export const TAGS = new Set([
  "p", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "li", "blockquote", "pre", "hr",
  "table", "thead", "tbody", "tr", "th", "td", "strong", "em", "del", "code", "a", "br",
]);

/** How deep quotes and lists may be nested. What is deeper is a paragraph. */
const MOST_DEPTH = 12;

const BLANK = /^\s*$/;
const FENCE = /^ {0,3}(`{3,}|~{3,})\s*([^`]*)$/;
const HEADING = /^ {0,3}(#{1,6})(?:\s(.*))?$/;
const RULE = /^ {0,3}([-*_])(?:\s*\1){2,}\s*$/;
const QUOTE = /^ {0,3}> ?/;
const ITEM = /^( {0,3})([-*+]|\d{1,9}[.)])(?:( {1,4})(?=\S)| *$| )/;
const DELIMITER = /^:?-+:?$/;
const INDENTED = /^(?: {4}| {0,3}\t)/;

/**
 * A Markdown text that grows. Appending parses only what the new text can change.
 *
 *     const text = new Markdown();
 *     text.append("# Hel");
 *     text.append("lo"); // text.blocks is [{ tag: "h1", children: ["Hello"], from: 0 }]
 */
export class Markdown {
  /** @type {Block[]} */
  blocks = [];
  source = "";

  append(text) {
    if (text === "") return;
    this.source += text;
    const kept = this.#settled();
    const from = kept < this.blocks.length ? this.blocks[kept].from : 0;
    const fresh = parse(this.source.slice(from));
    for (const block of fresh) block.from += from;
    this.blocks = [...this.blocks.slice(0, kept), ...fresh];
  }

  /** Return how many blocks no further text can change. */
  #settled() {
    // The first two lines of a block decide where the block begins. Once they are complete, more text
    // doesn't change the blocks before.
    for (let number = this.blocks.length - 1; number > 0; number--) {
      const first = this.source.indexOf("\n", this.blocks[number].from);
      if (first >= 0 && this.source.indexOf("\n", first + 1) >= 0) return number;
    }
    return 0;
  }
}

/**
 * Return blocks whose headings fit below an `<h1>`: the levels go down one by one, whichever the text has.
 * @param {Block[]} blocks
 */
export function belowTitle(blocks) {
  const above = [];
  return blocks.map((block) => {
    if (!/^h\d$/.test(block.tag)) return block;
    while (above.at(-1) >= block.tag) above.pop();
    above.push(block.tag);
    return { ...block, tag: `h${Math.min(6, 1 + above.length)}` };
  });
}

/**
 * Return the blocks of a text.
 * @returns {Block[]}
 */
export function parse(text) {
  const lines = [];
  let from = 0;
  for (const line of text.split("\n")) {
    lines.push({ text: line.endsWith("\r") ? line.slice(0, -1) : line, from });
    from += line.length + 1;
  }
  return parseBlocks(lines, 0);
}

/** @typedef {{ text: string, from: number }} Line */

/** @param {Line[]} lines */
function parseBlocks(lines, depth) {
  const blocks = [];
  let place = 0;
  while (place < lines.length) {
    if (BLANK.test(lines[place].text)) {
      place += 1;
      continue;
    }
    const [block, next] = readBlock(lines, place, depth);
    blocks.push(depth ? block : { ...block, from: lines[place].from });
    place = next;
  }
  return blocks;
}

/** Return the block that begins at a line, and the number of the line after it. */
function readBlock(lines, place, depth) {
  const { text } = lines[place];
  const heading = HEADING.exec(text);
  if (heading) return [element(`h${heading[1].length}`, parseInline(headingText(heading[2] ?? ""))), place + 1];
  if (RULE.test(text)) return [element("hr"), place + 1];
  const fence = FENCE.exec(text);
  if (fence) return readFence(lines, place, fence);
  if (INDENTED.test(text)) return readIndented(lines, place);
  if (depth < MOST_DEPTH) {
    if (QUOTE.test(text)) return readQuote(lines, place, depth);
    if (ITEM.test(text)) return readList(lines, place, depth);
  }
  if (isTable(lines, place)) return readTable(lines, place);
  return readParagraph(lines, place, depth);
}

function readFence(lines, place, [opening, mark, info]) {
  const indent = opening.indexOf(mark);
  const closing = new RegExp(`^ {0,3}\\${mark[0]}{${mark.length},}\\s*$`);
  const code = [];
  let next = place + 1;
  while (next < lines.length && !closing.test(lines[next].text)) {
    code.push(withoutIndent(lines[next].text, indent));
    next += 1;
  }
  const language = info.trim().split(/\s/, 1)[0];
  return [codeBlock(code.join("\n"), language), next + 1];
}

function readIndented(lines, place) {
  const code = [];
  let next = place;
  while (next < lines.length && (INDENTED.test(lines[next].text) || BLANK.test(lines[next].text))) {
    code.push(lines[next].text.replace(/^(?: {1,4}| {0,3}\t)/, ""));
    next += 1;
  }
  return [codeBlock(code.join("\n").trimEnd(), ""), next];
}

function readQuote(lines, place, depth) {
  const inner = [];
  let next = place;
  while (next < lines.length) {
    const { text, from } = lines[next];
    if (QUOTE.test(text)) inner.push({ text: text.replace(QUOTE, ""), from });
    // A line without the mark continues a paragraph of the quote.
    else if (BLANK.test(text) || BLANK.test(inner.at(-1).text) || begins(lines, next, depth)) break;
    else inner.push(lines[next]);
    next += 1;
  }
  return [element("blockquote", parseBlocks(inner, depth + 1)), next];
}

function readList(lines, place, depth) {
  const kind = kindOf(ITEM.exec(lines[place].text)[2]);
  const items = [];
  let loose = false;
  let next = place;
  while (next < lines.length) {
    const item = ITEM.exec(lines[next].text);
    if (!item || kindOf(item[2]) !== kind || RULE.test(lines[next].text)) break;
    const [inner, after] = readItem(lines, next, item, depth);
    const blocks = parseBlocks(inner, depth + 1);
    items.push(blocks);
    // An empty line between two items, or between two blocks of an item, makes paragraphs of the items.
    const last = inner.findLastIndex((line) => !BLANK.test(line.text));
    const blankInside = blocks.length > 1 && inner.slice(0, last).some((line) => BLANK.test(line.text));
    const following = after < lines.length ? ITEM.exec(lines[after].text) : null;
    const blankBetween = following && kindOf(following[2]) === kind && BLANK.test(lines[after - 1].text);
    loose ||= blankInside || Boolean(blankBetween);
    next = after;
  }
  const start = Number.parseInt(lines[place].text.trim(), 10);
  const list = element(Number.isNaN(start) ? "ul" : "ol", items.map((blocks) => element("li", loose ? blocks : tight(blocks))));
  if (start > 1 || start === 0) list.start = start;
  return [list, next];
}

/** Return the lines of an item without their indentation, and the number of the line after them. */
function readItem(lines, place, [opening, indent, mark, gap], depth) {
  const width = indent.length + mark.length + (gap?.length ?? 1);
  const inner = [{ text: lines[place].text.slice(opening.length), from: lines[place].from }];
  let next = place + 1;
  while (next < lines.length) {
    const { text, from } = lines[next];
    if (BLANK.test(text)) inner.push({ text: "", from });
    else if (/^\s/.test(text) && indentOf(text) >= width) inner.push({ text: withoutIndent(text, width), from });
    else if (BLANK.test(inner.at(-1).text) || ITEM.test(text) || begins(lines, next, depth)) break;
    else inner.push({ text: text.trimStart(), from }); // Continues the paragraph.
    next += 1;
  }
  return [inner, next];
}

function readTable(lines, place) {
  const aligns = cellsOf(lines[place + 1].text).map(alignOf);
  const head = row("th", lines[place].text, aligns);
  const rows = [];
  let next = place + 2;
  while (next < lines.length && lines[next].text.includes("|")) {
    rows.push(row("td", lines[next].text, aligns));
    next += 1;
  }
  const parts = [element("thead", [head])];
  if (rows.length) parts.push(element("tbody", rows));
  return [element("table", parts), next];
}

function readParagraph(lines, place, depth) {
  const texts = [lines[place].text];
  let next = place + 1;
  while (next < lines.length && !BLANK.test(lines[next].text) && !begins(lines, next, depth)) {
    texts.push(lines[next].text);
    next += 1;
  }
  return [element("p", parseInline(texts.map((text) => text.trimStart()).join("\n").trimEnd())), next];
}

/** Return whether a block that can interrupt a paragraph begins at this line. */
function begins(lines, place, depth) {
  const { text } = lines[place];
  if (HEADING.test(text) || RULE.test(text) || FENCE.test(text) || isTable(lines, place)) return true;
  if (depth >= MOST_DEPTH) return false;
  if (QUOTE.test(text)) return true;
  const item = ITEM.exec(text);
  // "1986. A good year" in the middle of a paragraph is no list.
  return item !== null && text.length > item[0].length && (item[2].length === 1 || /^1\D/.test(item[2]));
}

function isTable(lines, place) {
  const { text } = lines[place];
  if (!text.includes("|") || !/^[\s|:-]+$/.test(lines[place + 1]?.text ?? "")) return false;
  const delimiters = cellsOf(lines[place + 1].text);
  return delimiters.length === cellsOf(text).length && delimiters.every((each) => DELIMITER.test(each));
}

function row(tag, text, aligns) {
  const cells = cellsOf(text);
  return element("tr", aligns.map((align, number) => {
    const cell = element(tag, parseInline(cells[number] ?? ""));
    if (align) cell.align = align;
    return cell;
  }));
}

function cellsOf(text) {
  const inner = text.trim().replace(/^\|/, "").replace(/(?<!\\)\|$/, "");
  return inner.split(/(?<!\\)\|/).map((cell) => cell.trim().replaceAll("\\|", "|"));
}

function alignOf(delimiter) {
  const [left, right] = [delimiter.startsWith(":"), delimiter.endsWith(":")];
  if (left && right) return "center";
  return right ? "end" : "";
}

/** Return the blocks of an item whose list has no empty lines: its paragraphs are bare text. */
function tight(blocks) {
  return blocks.flatMap((block) => (block.tag === "p" ? block.children : [block]));
}

/** Return the mark of a bullet, or the mark after the number and its kind. Items of one list share it. */
function kindOf(mark) {
  return mark.length === 1 ? mark : `1${mark.at(-1)}`;
}

/** Return the text of a heading without the marks that may close it. */
function headingText(text) {
  const trimmed = text.trim();
  const end = trimmed.search(/#*$/);
  return end === 0 || /\s/.test(trimmed[end - 1]) ? trimmed.slice(0, end).trimEnd() : trimmed;
}

function indentOf(text) {
  return text.replaceAll("\t", "    ").search(/\S|$/);
}

/** Return a line without the first `width` columns, as far as they are white space. */
function withoutIndent(text, width) {
  const spaced = text.replace(/^[ \t]+/, (indent) => indent.replaceAll("\t", "    "));
  return spaced.slice(Math.min(width, spaced.search(/\S|$/)));
}

function element(tag, children = []) {
  return { tag, children };
}

function codeBlock(code, language) {
  return { tag: "pre", children: [], code, language };
}
