/** Links that open the lab in a given state. Pure. */

const TEXTS = ["numbers", "article", "model"];
const SOURCES = ["engine", "plain"];
const TRANSPORTS = ["polling", "chunked", "sse", "websocket"];

/**
 * Read the query of a link. What isn't valid is left out.
 *
 *     stateOf("?rate=50&fault=cut") // { rate: 50, fault: "cut" }
 *
 * - `text`, `rate`, `size`, `seconds`: the stream
 * - `source`: the way that all panels read
 * - `fault`, and `panel` for a fault of one reader: what happens a few seconds after the start
 * - `tour`: the step of the tour, from 1
 *
 * @param {string} query
 * @param {string[]} faults the names of the faults
 */
export function stateOf(query, faults) {
  const given = new URLSearchParams(query);
  const state = {
    text: oneOf(given.get("text"), TEXTS),
    source: oneOf(given.get("source"), SOURCES),
    panel: oneOf(given.get("panel"), TRANSPORTS),
    fault: oneOf(given.get("fault"), faults),
    rate: wholeOf(given.get("rate"), 1, 200),
    size: wholeOf(given.get("size"), 1, 200),
    seconds: wholeOf(given.get("seconds"), 1, 60),
    tour: wholeOf(given.get("tour"), 1, 6),
  };
  return Object.fromEntries(Object.entries(state).filter(([, value]) => value !== undefined));
}

function oneOf(value, choices) {
  return choices.includes(value) ? value : undefined;
}

function wholeOf(value, least, most) {
  if (!/^\d{1,4}$/.test(value ?? "")) return undefined;
  const number = Number(value);
  return number >= least && number <= most ? number : undefined;
}
