/** Formats figures for people, in the page's language. */

const language = document.documentElement.lang || undefined;
const whole = new Intl.NumberFormat(language, { maximumFractionDigits: 0 });
const tenths = new Intl.NumberFormat(language, { minimumFractionDigits: 1, maximumFractionDigits: 1 });

const FORMATS = {
  payload: bytes,
  framing: bytes,
  heads: bytes,
  overhead: bytes,
  most_held: bytes,
  each: (value) => `${tenths.format(value)} B`,
  first: milliseconds,
  p50: milliseconds,
  p99: milliseconds,
  offset: milliseconds,
  error: milliseconds,
  duration: seconds,
  silence: seconds,
};

/** Return a figure with its unit, a dash if the figure isn't known, or a text unchanged. */
export function figure(name, value) {
  if (typeof value === "string") return value;
  if (value === null || value === undefined) return "–";
  return (FORMATS[name] ?? whole.format)(value);
}

/** Write figures into all elements below `root` that name one in `data-figure`. */
export function fillFigures(root, figures) {
  for (const element of root.querySelectorAll("[data-figure]")) {
    element.textContent = figure(element.dataset.figure, figures[element.dataset.figure]);
  }
}

function bytes(value) {
  return `${whole.format(value)} B`;
}

function milliseconds(value) {
  return `${whole.format(value)} ms`;
}

function seconds(value) {
  return `${tenths.format(value / 1000)} s`;
}
