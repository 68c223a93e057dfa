/** `<stream-demo>`: a box that a stream's text runs into, with Start, Stop, and its wire view. */

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
      // A run that was stopped may still have had something to say on the wire, but no more here.
      if (run.signal.aborted) return;
      this.#end(wire, "done");
      const transport = this.getAttribute("transport");
      this.dispatchEvent(new CustomEvent("streamdone", { bubbles: true, detail: { transport, totals: wire.totals } }));
    } catch (error) {
      if (run.signal.aborted) return;
      // In the middle of the template's sentence.
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
    // One text node that grows: a node for each piece would be dear in a long stream.
    if (!output.firstChild) output.append("");
    followingTail(output, () => output.firstChild.appendData(text));
  }

  #clear() {
    this.#output.replaceChildren();
  }

  get #output() {
    return this.querySelector(".output");
  }

  /** Shows the state, and says it to screen readers in the template's words. */
  #become(state, figures = {}) {
    this.setAttribute("state", state);
    const words = this.querySelector(`template[data-state="${state}"]`).content.cloneNode(true);
    fillFigures(words, figures);
    this.querySelector(".status").replaceChildren(words);
  }
}

customElements.define("stream-demo", StreamDemo);
