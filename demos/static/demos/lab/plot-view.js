/** The plot of a race: pieces over time, a line for each reader and for the server, a mark for each fault. */

import { fillFigures } from "../numbers.js";
import { stepPath } from "../plot.js";

/** What the time axis has beyond the run's length, in milliseconds: the producer needs a moment to start. */
const MARGIN = 2000;
/** Into how many rows the table divides a race. */
const ROWS = 12;

export class PlotView {
  #figure;
  #words;

  /**
   * @param {HTMLElement} figure
   * @param {(name: string) => string} words returns the name of a fault
   */
  constructor(figure, words) {
    this.#figure = figure;
    this.#words = words;
  }

  /**
   * @param {import("./race.js").Race} race
   * @param {import("./panel.js").LabPanel[]} panels
   */
  draw(race, panels) {
    const { rate, seconds } = race.run.options;
    const { width, height } = this.#part("svg").viewBox.baseVal;
    const curves = curvesOf(race, panels);
    const now = Math.max(...Object.values(curves).map((curve) => curve.at(-1).at));
    const until = Math.max(seconds * 1000 + MARGIN, race.over ? now : race.elapsed);
    const most = Math.max(rate * seconds, 1, ...Object.values(curves).map((curve) => curve.at(-1).count));
    for (const [method, curve] of Object.entries(curves)) {
      // A line ends where the race has come to, not at the right edge.
      const known = method === "server" ? Math.max(race.knownUntil, 1) : race.elapsed;
      const end = race.over ? Math.max(curve.at(-1).at, 1) : known;
      const frame = { width: (width * end) / until, height, until: end, most };
      this.#part(`path[data-method="${method}"]`).setAttribute("d", stepPath(curve, frame));
    }
    this.#drawFaults(race.faults, until);
    this.#part(".plot-most").textContent = String(most);
    this.#part(".plot-empty").hidden = true;
    fillFigures(this.#part(".axis"), { duration: until });
    this.#part("details").hidden = !race.over;
    if (race.over) this.#drawTable(race, curves);
  }

  #drawFaults(faults, until) {
    const list = this.#part(".plot-faults");
    if (list.children.length > faults.length) list.replaceChildren();
    for (const { fault, panel } of faults.slice(list.children.length)) {
      const item = document.createElement("li");
      const label = document.createElement("span");
      label.textContent = this.#words(fault);
      item.append(label);
      if (panel) item.dataset.method = panel;
      list.append(item);
    }
    faults.forEach(({ at }, index) => list.children[index].style.setProperty("--at", at / until));
  }

  /** For those who can't see the plot. */
  #drawTable({ faults, elapsed }, curves) {
    const last = Math.max(...Object.values(curves).map((curve) => curve.at(-1).at), 1);
    const rows = Array.from({ length: ROWS }, (_, index) => {
      const [from, to] = [(last * index) / ROWS, (last * (index + 1)) / ROWS];
      const then = index === ROWS - 1 ? elapsed : to;
      const marked = faults.filter(({ at }) => at >= from && at < then).map(({ fault }) => this.#words(fault));
      const counts = ["server", "polling", "chunked", "sse", "websocket"].map((method) => countAt(curves[method], to));
      return rowOf(`${(to / 1000).toFixed(1)} s`, [...counts, marked.join(", ") || "–"]);
    });
    this.#part("tbody").replaceChildren(...rows);
  }

  #part(selector) {
    return this.#figure.querySelector(selector);
  }
}

function curvesOf({ writtenAt, clock, began }, panels) {
  const server = [{ at: 0, count: 0 }];
  writtenAt.forEach((at, index) => server.push({ at: Math.max(0, at - clock.offset - began), count: index + 1 }));
  return { server, ...Object.fromEntries(panels.map(({ transport, curve }) => [transport, curve])) };
}

/** Return the count of a curve at a moment. */
function countAt(curve, moment) {
  return curve.findLast(({ at }) => at <= moment)?.count ?? 0;
}

function rowOf(head, cells) {
  const row = document.createElement("tr");
  const th = document.createElement("th");
  th.scope = "row";
  th.textContent = head;
  row.append(th, ...cells.map((text) => {
    const td = document.createElement("td");
    td.textContent = text;
    return td;
  }));
  return row;
}
