/** The `<stream-demo>` element: a demo of one transport, with its text, Start, Stop and the wire view. */

import { fillFigures } from "./numbers.js";
import { Recording } from "./recording.js";
import { followingTail } from "./tail.js";
import { transports } from "./transports/index.js";
import "./wire-view.js";

class StreamDemo extends HTMLElement {
  /** @type {AbortController | null} */
  #run = null;

  connectedCallback() {
    this.addEventListener("click", ({ target }) => {
      const action = target.closest("button[data-action]")?.dataset.action;
      if (action === "start") this.start();
      if (action === "stop") this.stop();
    });
  }

  async start() {
    this.#run?.abort();
    const run = new AbortController();
    const wire = new Recording();
    this.#run = run;
    this.#clear();
    this.querySelector("wire-view").follow(wire);
    this.#become("running");
    try {
      await this.#play(wire, run.signal);
      // A stopped run may still add entries to the wire view, but it no longer changes the demo's state.
      if (run.signal.aborted) return;
      this.#end(wire, "done");
      const transport = this.getAttribute("transport");
      this.dispatchEvent(new CustomEvent("streamdone", { bubbles: true, detail: { transport, totals: wire.totals } }));
    } catch (error) {
      if (run.signal.aborted) return;
      // The reason goes into a sentence of the template, which has its own full stop.
      this.#end(wire, "failed", { reason: error.message.replace(/\.$/, "") });
    }
  }

  stop() {
    this.#run?.abort();
    this.#run = null;
    this.#clear();
    this.#become("idle");
  }

  async #play(wire, signal) {
    const read = transports[this.getAttribute("transport")];
    for await (const text of read(this.getAttribute("src"), { signal, wire })) {
      if (!signal.aborted) this.#append(text);
    }
  }

  #end(wire, state, more = {}) {
    this.#run = null;
    wire.finish();
    this.#become(state, { ...wire.totals, ...more });
  }

  #append(text) {
    const output = this.#output;
    // All pieces go into one text node. A node for each piece would be expensive in a long stream.
    if (!output.firstChild) output.append("");
    followingTail(output, () => output.firstChild.appendData(text));
  }

  #clear() {
    this.#output.replaceChildren();
  }

  get #output() {
    return this.querySelector(".output");
  }

  /** Enter a state, and show it in the words of its template, which screen readers announce. */
  #become(state, figures = {}) {
    this.setAttribute("state", state);
    const words = this.querySelector(`template[data-state="${state}"]`).content.cloneNode(true);
    fillFigures(words, figures);
    this.querySelector(".status").replaceChildren(words);
  }
}

customElements.define("stream-demo", StreamDemo);
