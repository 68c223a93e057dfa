/**
 * The styles of a terminal's text, and the sequences that change them: "select graphic rendition" of ECMA-48
 * and of xterm.
 *
 *     rendered(PLAIN, "1;31"); // { bold: true, fg: 1, … }
 *     rendered(PLAIN, "38;5;208").fg; // [255, 135, 0]
 */

/**
 * How text looks. A colour is null, a number from 0 to 15, or [red, green, blue].
 *
 * @typedef {object} Style
 * @property {number | number[] | null} fg the colour of the text
 * @property {number | number[] | null} bg the colour of the background
 * @property {boolean} bold
 * @property {boolean} dim
 * @property {boolean} italic
 * @property {boolean} underline
 * @property {boolean} strike
 * @property {boolean} inverse whether the two colours are exchanged
 * @property {string} key is equal for equal styles
 */

const LOOK = {
  fg: null, bg: null, bold: false, dim: false, italic: false, underline: false, strike: false, inverse: false,
};

/** @type {Style} The style of text that nothing has styled. */
export const PLAIN = styled(LOOK);

/** What each number of "select graphic rendition" changes, apart from the colours. */
const RENDITIONS = {
  0: LOOK,
  1: { bold: true },
  2: { dim: true },
  3: { italic: true },
  4: { underline: true },
  7: { inverse: true },
  9: { strike: true },
  21: { underline: true },
  22: { bold: false, dim: false },
  23: { italic: false },
  24: { underline: false },
  27: { inverse: false },
  29: { strike: false },
  39: { fg: null },
  49: { bg: null },
};

/**
 * Return a style after a change of it: `1;31`, `38;5;208`, `38;2;255;128;0`, `38:2::255:128:0`, `4:3`.
 */
export function rendered(style, parameters) {
  const items = parameters.split(";");
  while (items.length > 0) {
    const [code, ...parts] = items.shift().split(":").map(Number);
    if (code === 38 || code === 48 || code === 58) {
      const colour = parts.length > 0 ? exactColour(parts) : exactColour(takeColour(items));
      if (code !== 58 && colour !== null) style = { ...style, [code === 38 ? "fg" : "bg"]: colour };
    } else if (code === 4 && parts[0] === 0) {
      style = { ...style, underline: false };
    } else {
      style = { ...style, ...RENDITIONS[code], ...namedColour(code) };
    }
  }
  return styled(style);
}

function styled({ key: _key, ...look }) {
  return Object.freeze({ ...look, key: Object.values(look).join(" ") });
}

/** Return the change by a number that names one of the 16 colours, such as 31 or 104. */
function namedColour(code) {
  const colour = code % 10;
  if (colour > 7) return {};
  const tens = Math.floor(code / 10);
  if (tens === 3) return { fg: colour };
  if (tens === 4) return { bg: colour };
  if (tens === 9) return { fg: colour + 8 };
  return tens === 10 ? { bg: colour + 8 } : {};
}

/** Take the parameters of a colour from the front of a list: `5;208`, or `2;255;128;0`. */
function takeColour(items) {
  return items.splice(0, Number(items[0]) === 2 ? 4 : 2).map(Number);
}

/** Return the colour for `[5, index]`, `[2, red, green, blue]` or `[2, colour space, red, green, blue]`. */
function exactColour([kind, ...parts]) {
  if (parts.length === 0 || parts.some((part) => !(part <= 255))) return null;
  if (kind === 2 && parts.length >= 3) return parts.length > 3 ? parts.slice(1, 4) : parts;
  return kind === 5 ? indexedColour(parts[0]) : null;
}

/** Return a colour of the 256: 16 named ones, a cube of 6 × 6 × 6, and 24 greys. */
function indexedColour(index) {
  if (index < 16) return index;
  if (index >= 232) return Array(3).fill(8 + 10 * (index - 232));
  const level = (step) => (step % 6 ? 55 + 40 * (step % 6) : 0);
  const n = index - 16;
  return [level(Math.floor(n / 36)), level(Math.floor(n / 6)), level(n)];
}
