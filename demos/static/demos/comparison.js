/** `<run-comparison>`: fills the comparison's last rows with the reader's own runs, kept for this tab. */

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

  /** The cell's figure as a part of the row's largest. */
  #share(name, transport) {
    const largest = Math.max(...Object.values(this.#runs).map((run) => run[name] ?? 0));
    return largest ? (this.#runs[transport]?.[name] ?? 0) / largest : 0;
  }
}

// A browser may refuse storage, and then the runs last as long as the page.

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
    /* The page still shows them. */
  }
}

customElements.define("run-comparison", RunComparison);
