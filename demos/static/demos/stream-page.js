/**
 * The `<stream-player>` element: the controls and figures around a stream's text on the stream's page.
 * It chooses the transport, stops the stream, replays it, and updates the figures as pieces arrive.
 */

import { figure } from "./numbers.js";
import "./stream-clock.js";

const moment = new Intl.DateTimeFormat(document.documentElement.lang, { dateStyle: "medium", timeStyle: "medium" });

class StreamPlayer extends HTMLElement {
  #received = 0;
  #length = 0;
  #frame = 0;

  connectedCallback() {
    // Browsers offer the clipboard only to secure contexts: pages from localhost or over TLS.
    this.querySelector('[data-action="copy"]').hidden = !navigator.clipboard;
    // The server doesn't know the user's time zone.
    for (const time of this.querySelectorAll("time[datetime]")) showTime(time, new Date(time.dateTime));
    // Format the figures of the server as this script formats the changing figures.
    for (const name of ["total", "pieces", "length"]) {
      this.#fill(name, Number(this.querySelector(`[data-figure="${name}"]`).textContent));
    }
    this.addEventListener("change", ({ target }) => {
      if (target.name === "transport") this.#output.transport = target.value;
    });
    this.addEventListener("click", ({ target }) => {
      const button = target.closest("[data-action]");
      if (button?.dataset.action === "stop") this.#stop(button);
      if (button?.dataset.action === "whole") this.#play(null);
      if (button?.dataset.action === "copy") this.#copy();
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

  /** Replay a finished stream, at a pace or, if `pace` is null, all at once. */
  #play(pace) {
    this.#received = 0;
    this.#part("verified").hidden = true;
    if (pace === null) this.#output.removeAttribute("pace");
    else this.#output.setAttribute("pace", pace);
    this.#output.start();
  }

  async #stop(button) {
    this.#notice("");
    try {
      await this.#output.stop();
      button.ariaDisabled = "true"; // A button with `disabled` would lose the focus.
    } catch (error) {
      this.#notice("refused", error.detail ?? error.message);
    }
  }

  async #copy() {
    const link = location.origin + location.pathname;
    const copied = await navigator.clipboard.writeText(link).then(() => true, () => false);
    this.#notice(copied ? "copied" : "not-copied");
  }

  #take(record) {
    if (record.text !== undefined || record.data !== undefined) {
      this.#received = record.n + 1;
      const text = record.text ?? `${JSON.stringify(record.data)}\n`;
      this.#length += [...text].length; // In code points, as the server counts.
    } else if (record.reset !== undefined) {
      this.#received = record.reset;
      this.#length = 0;
    }
    if (!this.#frame) this.#frame = requestAnimationFrame(() => this.#count());
  }

  /** Show how much has arrived. For a live stream that is also the number of pieces and characters. */
  #count() {
    this.#frame = 0;
    this.#fill("received", this.#received);
    if (!this.#live) return;
    this.#fill("pieces", this.#received);
    this.#fill("length", this.#length);
  }

  #showVia(via) {
    this.#part("via").hidden = !via;
    if (!via) return;
    this.dataset.method = via;
    this.#fill("via", this.querySelector(`input[value="${via}"] + span`).textContent);
  }

  #end({ end, n, sha256, verified, error }) {
    this.#count();
    this.#part("verified").hidden = !verified;
    if (error || !this.#live) return;
    this.setAttribute("state", end);
    const state = this.querySelector(".state");
    state.dataset.state = end;
    state.textContent = this.querySelector(`template[data-state="${end}"]`).content.textContent;
    this.#fill("total", n);
    this.#fill("sha256", sha256);
    this.querySelector("stream-clock").stop();
    showTime(this.querySelector("time:not([datetime])"), new Date());
    for (const part of this.querySelectorAll("[data-ended]")) part.hidden = false;
    const stop = this.querySelector('[data-action="stop"]');
    if (stop === document.activeElement) this.querySelector('[data-action="start"]').focus();
    stop?.remove();
  }

  #part(name) {
    return this.querySelector(`[data-part="${name}"]`);
  }

  #fill(name, value) {
    for (const element of this.querySelectorAll(`[data-figure="${name}"]`)) {
      element.textContent = figure(name, value);
    }
  }

  #notice(name, reason = "") {
    const words = name && this.querySelector(`template[data-notice="${name}"]`).content.textContent;
    this.querySelector(".notice").textContent = `${words} ${reason}`.trim();
  }
}

/**
 * @param {HTMLTimeElement} time
 * @param {Date} date
 */
function showTime(time, date) {
  time.dateTime = date.toISOString();
  time.textContent = moment.format(date);
}

customElements.define("stream-player", StreamPlayer);
