import assert from "node:assert/strict";
import test from "node:test";

import { Terminal } from "../../streamsite/streams/static/streams/terminal.js";

const ESC = "\x1b";
const CSI = `${ESC}[`;

/** Return the rows of a terminal that has taken these texts, the ones that scrolled away included. */
function rowsOf(...texts) {
  const terminal = new Terminal();
  for (const text of texts) terminal.write(text);
  return [...terminal.takeDone(), ...terminal.rows];
}

/** Return the text that is shown. */
function shown(...texts) {
  return rowsOf(...texts).map((row) => row.runs().map(({ text }) => text).join("") + row.end).join("");
}

/** Return the runs of the first row, without what is as usual: `["text", {fg: 1}]`. */
function styles(text) {
  return rowsOf(text)[0].runs().map(({ text: run, style: { key: _key, ...style } }) => (
    [run, Object.fromEntries(Object.entries(style).filter(([, value]) => value !== null && value !== false))]
  ));
}

for (const [what, text, expected] of [
  ["plain text", "one\n\ntwo", "one\n\ntwo"],
  ["a line feed with a carriage return", "one\r\ntwo\r\n", "one\ntwo\n"],
  ["a carriage return, which overwrites", "100 %\r 7 %", " 7 %%"],
  ["a progress bar", `10 %\r20 %\r${CSI}Kdone\n`, "done\n"],
  ["a backspace", "abc\b\bX", "aXc"],
  ["backspaces beyond the row", "a\b\b\bX", "X"],
  ["a tab, which is kept", "a\tb\tc\n", "a\tb\tc\n"],
  ["a tab over text, which moves", "0123456789\r\tX", "01234567X9"],
  ["text over a tab", "\tb\rxy", "xy      b"],
  ["moving up and erasing the row", `one\ntwo\n${CSI}2A${CSI}2KONE\n\nthree`, "ONE\ntwo\nthree"],
  ["moving beyond the first row", `one\n${CSI}99AX`, "Xne\n"],
  ["moving beyond the last row", `one\n${CSI}99BX`, "one\nX"],
  ["moving right beyond the text", `a${CSI}3Cb`, "a   b"],
  ["moving left", `abc${CSI}2DX`, "aXc"],
  ["a column", `abcdef${CSI}3GX${CSI}GY`, "YbXdef"],
  ["next and previous row", `a\nb\nc${CSI}2FX${CSI}EY`, "X\nY\nc"],
  ["erasing to the start of the row", `abcdef${CSI}3D${CSI}1Kx`, "   xef"],
  ["erasing to the end of the screen", `one\ntwo\nthree${CSI}2F${CSI}Jnew\n`, "new\n"],
  ["erasing to the start of the screen", `one\ntwo\nthree${CSI}1J`, "\n\n"],
  ["erasing characters", `abcdef${CSI}4G${CSI}2XX`, "abcX f"],
  ["erasing all, which keeps the log", `one\ntwo${CSI}H${CSI}2Jnew`, "one\ntwo\nnew"],
  ["erasing the history, which keeps the log", `one\n${CSI}3Jtwo`, "one\ntwo"],
  ["a place on the screen", `${CSI}2;3Hx${CSI}Hy`, "y\n  x"],
  ["a saved place", `ab${ESC}7cd${ESC}8X${CSI}s\nY${CSI}uZ`, "abXZ\nY"],
  ["a wide character that is overwritten in half", "你好\r!", "! 好"],
  ["wide characters over narrow ones", "abcdef\r你", "你cdef"],
  ["combining marks and joined emoji", "e\u0301 👩‍💻\n", "e\u0301 👩‍💻\n"],
  ["a mark over text that changes", "xe\u0301\ry", "ye\u0301"],
  ["a title and a hyperlink", `${ESC}]0;title\x07${ESC}]8;;https://a/${ESC}\\link${ESC}]8;;${ESC}\\!`, "link!"],
  ["an image", `${ESC}P0;1q"1;1;9;9#0${ESC}\\a${ESC}_x${ESC}\\b`, "ab"],
  ["a title without an end, which takes no more than its row", `${ESC}]0;title\nnext`, "\nnext"],
  ["private and unknown sequences", `${CSI}?25l${CSI}>4;2mA${CSI}5nB${CSI}12 qC${ESC}(B${ESC}=D`, "ABCD"],
  ["controls within a sequence", `ab\n${CSI}1\rAc`, "cb\n"],
  ["a cancelled sequence", `${CSI}3\x181m`, "1m"],
  ["8-bit controls", "\x9b1mbold\x9d0;title\x9c!\x85", "bold!\n"],
  ["controls without a meaning", "\x00\x07a\x7f\x0e\x0fb", "ab"],
  ["an escape before other text", `${ESC}你`, "你"],
  ["endless parameters", `${CSI}${"1;".repeat(9999)}mtext`, "text"],
]) {
  test(`a terminal shows ${what}`, () => {
    assert.equal(shown(text), expected);
    assert.equal(shown(...text), expected, "one code point at a time");
  });
}

for (const [what, text, expected] of [
  ["the 16 colours", `${CSI}31mr${CSI}92mg${CSI}44mb${CSI}100m!`, [
    ["r", { fg: 1 }], ["g", { fg: 10 }], ["b", { fg: 10, bg: 4 }], ["!", { fg: 10, bg: 8 }],
  ]],
  ["flags", `${CSI}1;2;3;4;7;9ma${CSI}22;23;24;27;29mb`, [
    ["a", { bold: true, dim: true, italic: true, underline: true, inverse: true, strike: true }], ["b", {}],
  ]],
  ["an underline by its kind", `${CSI}4:3ma${CSI}4:0mb`, [["a", { underline: true }], ["b", {}]]],
  ["a reset", `${CSI}1;31ma${CSI}mb${CSI}1mc${CSI}0md${CSI}1;me`, [
    ["a", { bold: true, fg: 1 }], ["b", {}], ["c", { bold: true }], ["de", {}],
  ]],
  ["the usual colours again", `${CSI}31;41ma${CSI}39mb${CSI}49mc`, [
    ["a", { fg: 1, bg: 1 }], ["b", { bg: 1 }], ["c", {}],
  ]],
  ["the 256 colours", `${CSI}38;5;9ma${CSI}38;5;208mb${CSI}48;5;255;1mc`, [
    ["a", { fg: 9 }], ["b", { fg: [255, 135, 0] }], ["c", { fg: [255, 135, 0], bg: [238, 238, 238], bold: true }],
  ]],
  ["exact colours", `${CSI}38;2;1;2;3ma${CSI}38:2::4:5:6mb${CSI}38:2:7:8:9mc`, [
    ["a", { fg: [1, 2, 3] }], ["b", { fg: [4, 5, 6] }], ["c", { fg: [7, 8, 9] }],
  ]],
  ["colours of underlines, which are dropped", `${CSI}58;2;1;2;3;1ma${CSI}58:5:1mb`, [["ab", { bold: true }]]],
  ["invalid colours, which are dropped", `${CSI}38;5;999ma${CSI}38;2;1;2;1234mb${CSI}38;9mc${CSI}38md${CSI}123me`, [
    ["abcde", {}],
  ]],
  ["the style of what overwrites", `abc\r${CSI}31mX`, [["X", { fg: 1 }], ["bc", {}]]],
  ["no style where text was erased", `${CSI}41mabc\r${CSI}2Xx`, [["x", { bg: 1 }], [" ", {}], ["c", { bg: 1 }]]],
]) {
  test(`a terminal knows ${what}`, () => assert.deepEqual(styles(text), expected));
}

test("text that scrolls away is done, and the cursor does not reach it", () => {
  const lines = Array.from({ length: 1000 }, (_, n) => `${n}\n`).join("");
  const terminal = new Terminal();
  terminal.write(`${lines}${CSI}9999AX`);
  assert.ok(terminal.rows.length <= 100);
  assert.equal(terminal.takeDone().length + terminal.rows.length, 1001);
  assert.deepEqual(terminal.takeDone(), []);
  assert.match(shown(`${lines}${CSI}9999AX`), /^0\n1\n[^X]*X01\n/);
});

test("a long row wraps without a line feed, and a carriage return goes to its last part", () => {
  const text = "x".repeat(10_000);
  assert.equal(shown(text), text);
  assert.equal(shown(`${text}\rY`), `${"x".repeat(8192)}Y${"x".repeat(10_000 - 8193)}`);
});

test("few bytes make little blank text", () => {
  assert.ok(shown(`${CSI}999999999C${CSI}999999999Cx`).length < 1100);
  assert.ok(shown(`${CSI}999999999;999999999Hx`).length < 700);
  assert.ok(shown(`${CSI}999999999dx`).length < 200);
});

test("plain text does not use the terminal, and a progress bar does", () => {
  const used = (text) => {
    const terminal = new Terminal();
    terminal.write(text);
    return terminal.used;
  };
  assert.equal(used("one\r\n\ttwo 你好\n"), false);
  assert.ok(used("1 %\r2 %"));
  assert.ok(used(`${CSI}m`));
});

test("any bytes are taken, in any parts", () => {
  const alphabet = [ESC, CSI, "\r", "\n", "\b", "\t", "\x9b", "]", ";", "1", "38;5;", "9", "m", "A", "H", "J", "K", "你", "e\u0301", "👩‍💻", "x", "\x07", "?"];
  let seed = 1;
  const next = (n) => {
    seed = (seed * 48_271) % 2_147_483_647;
    return seed % n;
  };
  for (let run = 0; run < 500; run += 1) {
    const parts = Array.from({ length: 60 }, () => alphabet[next(alphabet.length)]);
    assert.equal(shown(...parts), shown(parts.join("")), JSON.stringify(parts));
  }
});
