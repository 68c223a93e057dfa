/** The table of faults and the list of events: what the page counted, and what the server did. */

import { figure, fillFigures } from "../numbers.js";

/** Faults that share a row with another one. */
const ROWS = { "cut-all": "cut" };

/**
 * Fill the table. Each reader's last outcome stands in the cell of its way.
 *
 * @param {HTMLElement} lab the `<stream-lab>`
 * @param {object[]} outcomes of all races on this page, oldest first
 */
export function drawOutcomes(lab, outcomes) {
  const signature = JSON.stringify(outcomes);
  if (lab.dataset.outcomes === signature) return;
  lab.dataset.outcomes = signature;
  const cells = new Map();
  for (const outcome of outcomes) {
    const row = lab.querySelector(`[data-row="${ROWS[outcome.fault] ?? outcome.fault}"]`);
    // What holds for both ways stands in both cells.
    const source = outcome.source ? `[data-source="${outcome.source}"]` : "";
    for (const cell of row?.querySelectorAll(`.outcome${source}`) ?? []) {
      if (!cells.has(cell)) cells.set(cell, new Map());
      cells.get(cell).set(outcome.transport, outcome);
    }
  }
  for (const [cell, readers] of cells) cell.replaceChildren(contentOf(lab, [...readers.values()]));
}

function contentOf(lab, outcomes) {
  const [{ fault }] = outcomes;
  const kind = { slow: "outcome-slow", tabs: "outcome-tabs" }[fault] ?? "outcome";
  const content = copyOf(lab, kind);
  if (fault === "tabs") fillFigures(content, outcomes[0]);
  else content.tBodies[0].append(...outcomes.map((outcome) => rowOf(lab, `${kind}-row`, outcome)));
  return content;
}

function rowOf(lab, kind, outcome) {
  const row = copyOf(lab, kind).rows[0];
  const now = outcome.state && lab.word(`slow-${outcome.state.replaceAll(" ", "-")}`);
  fillFigures(row, { ...outcome, now });
  row.dataset.method = outcome.transport;
  row.cells[0].textContent = lab.word(`name-${outcome.transport}`);
  for (const name of ["lost", "repeated"]) {
    row.querySelector(`[data-figure="${name}"]`).toggleAttribute("data-bad", outcome[name] > 0);
  }
  if (outcome.recovered === false) {
    const silence = row.querySelector('[data-figure="silence"]');
    silence.textContent = `> ${silence.textContent}`;
    silence.toggleAttribute("data-bad", true);
  }
  return row;
}

function copyOf(lab, name) {
  return lab.querySelector(`template[data-word="${name}"]`).content.firstElementChild.cloneNode(true);
}

/** List what the server says that it did. */
export function drawEvents(lab, { events, clock, began }) {
  const list = lab.querySelector(".events");
  const signature = JSON.stringify(events);
  if (list.dataset.events === signature) return;
  list.dataset.events = signature;
  list.replaceChildren(...events.map((event) => itemOf(lab, event, event.at - clock.offset - began)));
}

function itemOf(lab, { kind, panel, state, reason, why }, since) {
  const item = document.createElement("li");
  const time = document.createElement("span");
  time.className = "time";
  time.textContent = figure("duration", Math.max(0, since));
  const words = lab.querySelector(`template[data-word="event-${kind}"]`)?.content.textContent ?? kind;
  const rest = [panel, state, reason, why].filter(Boolean).join(", ");
  item.append(time, ` ${words} ${rest}`.trimEnd());
  return item;
}
