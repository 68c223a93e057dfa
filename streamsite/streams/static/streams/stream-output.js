/**
 * `<stream-output src="/stream/build">`: a stream's text on a page.
 *
 * Attributes to set: `src`, `transport` (also in mid-stream), `after`, `pace`, `autostart`, and
 * `data-word-…` for the words it shows. Attributes that it sets: `state`, one of "idle",
 * "connecting", "live", the stream's end ("done", "stopped", "failed", "interrupted"), or "refused";
 * `cursor`, the pieces shown; `via`, the transport in use.
 *
 * Events, which bubble: `streamrecord` with each record, `streamstate` with `{state, via, reason}`,
 * `streamend` with the end's record, or with `{end, reason, error}` where reading failed.
 */

import { StreamCorrupt, StreamRefused, open, stop } from "./streams.js";
import { Transcript } from "./transcript.js";
import { AUTO, checkTransport } from "./transports.js";

/** For markup that brings no words of its own. */
const WORDS = {
  label: "Stream output",
  idle: "Not started",
  connecting: "Connecting…",
  reconnecting: "Reconnecting…",
  live: "Streaming",
  done: "Finished",
  stopped: "Stopped",
  failed: "Failed",
  interrupted: "Interrupted",
  refused: "Refused",
  corrupt: "The text received is not the text that was sent.",
};

export class StreamOutput extends HTMLElement {
  static observedAttributes = ["src", "transport"];

  #reader = null;
  #transcript = null;
  #ended = false;
  #state;
  #status;

  connectedCallback() {
    if (this.#reader) return; // It was only moved.
    if (!this.#transcript) this.#build();
    if (this.#ended) return;
    this.#enter("idle");
    if (this.hasAttribute("autostart")) this.start();
  }

  disconnectedCallback() {
    // Moving an element takes it out and puts it back in one go, which is no reason to hang up.
    queueMicrotask(() => {
      if (!this.isConnected) this.close();
    });
  }

  attributeChangedCallback(name, before, value) {
    if (before === value) return;
    if (name === "transport" && this.#reader) this.#reader.transport = value ?? AUTO;
    // Another stream, where one was being shown.
    if (name === "src" && (this.#reader || this.#ended)) this.start();
  }

  get src() {
    return this.getAttribute("src");
  }

  set src(url) {
    this.setAttribute("src", url);
  }

  /** The transport wanted. Changed in mid-stream, the new one goes on where the old one was. */
  get transport() {
    return this.getAttribute("transport") ?? AUTO;
  }

  set transport(name) {
    this.setAttribute("transport", checkTransport(name));
  }

  get state() {
    return this.getAttribute("state");
  }

  get cursor() {
    return this.getAttribute("cursor");
  }

  /** Clear the text, and read the stream from `after` on. */
  start() {
    this.#hangUp();
    const after = this.getAttribute("after") ?? "0";
    const reader = open(this.src, {
      transport: this.transport,
      after,
      pace: this.getAttribute("pace"),
      onlink: ({ state, transport }) => this.#showLink(reader, state, transport),
    });
    this.#reader = reader;
    this.#ended = false;
    this.#transcript.clear(Number(after.split(".").at(-1)));
    this.#read(reader);
  }

  /** Leave the stream, which goes on without this reader. The text stays. */
  close() {
    if (!this.#reader) return;
    this.#transcript.write();
    this.#hangUp();
    this.#enter("idle");
  }

  /** Ask the stream's producer to stop. Rejects with the server's reason when it won't. */
  stop() {
    return stop(this.src);
  }

  async #read(reader) {
    try {
      for await (const record of reader) {
        this.#tell("streamrecord", record);
        if (reader !== this.#reader) return;
        if (record.end) this.#end(record.end, record.reason, record);
        else if (record.reset === undefined) this.#transcript.append(record.text);
        else this.#transcript.truncate(record.reset);
      }
    } catch (error) {
      if (reader !== this.#reader) return;
      const end = error instanceof StreamRefused ? "refused" : "failed";
      const reason = error instanceof StreamCorrupt ? this.#word("corrupt") : (error.detail ?? error.message);
      this.#end(end, reason, { end, reason, error });
    }
  }

  #end(state, reason, detail) {
    this.#transcript.write();
    this.#reader = null;
    this.#ended = true;
    this.#enter(state, reason);
    this.#tell("streamend", detail);
  }

  #hangUp() {
    const reader = this.#reader;
    this.#reader = null;
    reader?.close();
  }

  #showLink(reader, link, transport) {
    if (reader !== this.#reader) return;
    this.setAttribute("via", transport);
    const state = link === "open" ? "live" : "connecting";
    if (state !== this.state) this.#enter(state);
  }

  #enter(state, reason = "") {
    const begun = this.hasAttribute("cursor") && this.cursor !== (this.getAttribute("after") ?? "0");
    this.setAttribute("state", state);
    const words = [this.#word(state === "connecting" && begun ? "reconnecting" : state), reason];
    const text = words.filter(Boolean).join(": ");
    this.#state.textContent = text;
    // Whoever listens hears of the start and of the end, not of each cut between.
    const quiet = state === "idle" || state === "connecting";
    if (!quiet && this.#status.textContent !== text) this.#status.textContent = text;
    this.#tell("streamstate", { state, via: this.getAttribute("via"), reason });
  }

  #tell(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { bubbles: true, detail }));
  }

  #word(key) {
    return this.getAttribute(`data-word-${key}`) ?? WORDS[key];
  }

  #build() {
    // A copy of an element brings the parts of that one.
    for (const old of this.querySelectorAll(":scope > [class^='stream-output-']")) old.remove();
    this.#state = part("p", "state", { "aria-hidden": "true" });
    this.#status = part("p", "status", { role: "status" });
    const text = part("div", "text", {
      role: "log",
      "aria-live": "off", // A log is read out as it grows unless told otherwise, here piece by piece.
      "aria-label": this.#word("label"),
      tabindex: "0", // It scrolls, so the keyboard must reach it.
    });
    this.append(this.#state, this.#status, text);
    this.#transcript = new Transcript(text, () => {
      if (this.#reader) this.setAttribute("cursor", this.#reader.cursor);
    });
  }
}

function part(tag, name, attributes) {
  const element = document.createElement(tag);
  element.className = `stream-output-${name}`;
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  return element;
}

customElements.define("stream-output", StreamOutput);
