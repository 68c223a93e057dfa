/**
 * `<stream-player>`: what stands around a stream's text on its page. It picks the transport, stops the
 * stream, plays it again, and keeps the figures in step with what arrives.
 */

import { fillFigures } from "./numbers.js";
import "./stream-clock.js";

const NAMES = { websocket: "WebSocket", sse: "SSE", chunked: "chunked", polling: "polling" };

class StreamPlayer extends HTMLElement {
  #received = 0;
  #length = 0;
  #frame = 0;

  connectedCallback() {
    this.addEventListener("change", ({ target }) => {
      if (target.name === "transport") this.#output.transport = target.value;
    });
    this.addEventListener("click", ({ target }) => {
      const action = target.closest("[data-action]")?.dataset.action;
      if (action === "stop") this.#stop(target);
      if (action === "whole") this.#play(null);
      if (action === "copy") this.#copy();
    });
    this.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#play(this.querySelector("#pace").value);
    });
    this.addEventListener("streamrecord", ({ detail }) => this.#take(detail));
    this.addEventListener("streamstate", ({ detail }) => this.#showVia(detail.via));
    this.addEventListener("streamend", ({ detail }) => this.#end(detail));
  }

  get #output() {
    return this.querySelector("stream-output");
  }

  get #live() {
    return this.getAttribute("state") === "live";
  }

  /** Play a stream that has ended: at a pace, or, with null, all at once. */
  #play(pace) {
    this.#received = 0;
    this.#part("verified").hidden = true;
    if (pace === null) this.#output.removeAttribute("pace");
    else this.#output.setAttribute("pace", pace);
    this.#output.start();
    this.#show();
  }

  async #stop(button) {
    button.disabled = true;
    this.#notice("");
    try {
      await this.#output.stop();
    } catch (error) {
      button.disabled = false;
      this.#notice("refused", { reason: error.detail ?? error.message });
    }
  }

  async #copy() {
    await navigator.clipboard.writeText(location.href);
    this.#notice("copied");
  }

  #take(record) {
    if (record.text !== undefined) {
      this.#received = record.n + 1;
      // In code points, as the server counts.
      for (const _ of record.text) this.#length += 1;
    } else if (record.reset !== undefined) {
      this.#received = record.reset;
    }
    this.#frame ||= requestAnimationFrame(() => this.#show());
  }

  #show() {
    cancelAnimationFrame(this.#frame);
    this.#frame = 0;
    fillFigures(this.querySelector(".received"), {});
  }
}

customElements.define("stream-player", StreamPlayer);
