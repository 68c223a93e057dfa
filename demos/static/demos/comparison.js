/**
 * The `<run-comparison>` element: it fills the last rows of the comparison with the figures of the runs
 * on this page. The figures are kept for the browser tab.
 */

import { figure } from "./numbers.js";

const KEY = "streamsite.runs";

class RunComparison extends HTMLElement {
  #runs = recall();
  #leaving = null;

  connectedCallback() {
    this.#leaving = new AbortController();
    document.addEventListener("streamdone", ({ detail }) => this.#add(detail), { signal: this.#leaving.signal });
    this.#draw();
  }

  disconnectedCallback() {
    this.#leaving.abort();
  }

  #add({ transport, totals }) {
    this.#runs[transport] = { ...totals, each: totals.framing / totals.messages };
    remember(this.#runs);
    this.#draw();
  }

  #draw() {
    for (const cell of this.querySelectorAll("td[data-figure]")) {
      const { figure: name, transport } = cell.dataset;
      cell.textContent = figure(name, this.#runs[transport]?.[name]);
      cell.style.setProperty("--share", this.#share(name, transport));
    }
    this.toggleAttribute("filled", Object.keys(this.#runs).length > 0);
  }

  /** Return the cell's figure as a share of the largest figure in its row, from 0 to 1. */
  #share(name, transport) {
    const largest = Math.max(...Object.values(this.#runs).map((run) => run[name] ?? 0));
    return largest ? (this.#runs[transport]?.[name] ?? 0) / largest : 0;
  }
}

// If the browser refuses access to the storage, the figures are kept until the page is closed.

function recall() {
  try {
    return JSON.parse(sessionStorage.getItem(KEY)) ?? {};
  } catch {
    return {};
  }
}

function remember(runs) {
  try {
    sessionStorage.setItem(KEY, JSON.stringify(runs));
  } catch {
    /* The page still has the figures. */
  }
}

customElements.define("run-comparison", RunComparison);
