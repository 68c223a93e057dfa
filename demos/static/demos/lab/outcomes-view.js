/** The table of faults and the list of events: what the page counted, and what the server did. */

import { figure, fillFigures } from "../numbers.js";

/** Faults that share a row with another one. */
const ROWS = { "cut-all": "cut" };

/**
 * Fill the table. Each reader's last outcome stands in the cell of its way.
 *
 * @param {object} lab
 * @param {object[]} outcomes of all races, oldest first
 * @param {import("./race.js").Race} race the current one
 */
export function drawOutcomes(lab, outcomes, race) {
  const slow = (race.run.slow ?? []).map((reader) => ({ fault: "slow", ...reader }));
  const all = [...outcomes.filter(({ fault }) => fault !== "slow"), ...slow];
  const signature = JSON.stringify(all);
  if (lab.dataset.outcomes === signature) return;
  lab.dataset.outcomes = signature;
  const cells = new Map();
  for (const outcome of all) {
    const row = lab.querySelector(`[data-row="${ROWS[outcome.fault] ?? outcome.fault}"]`);
    if (!row) continue;
    const cell = row.querySelector(`[data-source="${outcome.source ?? "engine"}"]`);
    if (!cells.has(cell)) cells.set(cell, new Map());
    cells.get(cell).set(outcome.transport, outcome);
  }
  for (const [cell, byTransport] of cells) cell.replaceChildren(...[...byTransport.values()].map((outcome) => lineOf(lab, outcome)));
}

function lineOf(lab, outcome) {
  const kind = { slow: "outcome-slow", tabs: "outcome-tabs" }[outcome.fault] ?? "outcome";
  const line = lab.querySelector(`template[data-word="${kind}"]`).content.firstElementChild.cloneNode(true);
  fillFigures(line, { ...outcome, held: outcome.most_held });
  if (outcome.transport) {
    line.dataset.method = outcome.transport;
    line.dataset.bad = String(outcome.lost > 0 || outcome.repeated > 0 || outcome.recovered === false);
    line.querySelector(".who").textContent = lab.word(`name-${outcome.transport}`);
  }
  if (outcome.recovered === false) {
    line.querySelector('[data-figure="silence"]').after(` ${lab.word("unrecovered")}`);
  }
  if (outcome.fault === "slow") {
    line.querySelector(".slow-state").textContent = lab.word(`slow-${outcome.state.replaceAll(" ", "-")}`);
  }
  if (outcome.fault === "tabs") line.querySelector(".version").textContent = outcome.version;
  return line;
}

/** List what the server says that it did. */
export function drawEvents(lab, { run, clock, began }) {
  const list = lab.querySelector(".events");
  if (list.children.length > run.events.length) list.replaceChildren();
  for (const { at, kind, panel, state, reason, why } of run.events.slice(list.children.length)) {
    const item = document.createElement("li");
    const time = document.createElement("span");
    time.className = "time";
    time.textContent = figure("duration", Math.max(0, at - clock.offset - began));
    const words = lab.querySelector(`template[data-word="event-${kind}"]`)?.content.textContent ?? kind;
    const rest = [panel, state, reason, why].filter(Boolean).join(", ");
    item.append(time, ` ${words} ${rest}`.trimEnd());
    list.append(item);
  }
}
