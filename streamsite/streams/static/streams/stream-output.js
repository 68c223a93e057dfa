/**
 * The `<stream-output>` element: the text of a stream on a page. JSON values are shown as lines.
 *
 *     <link rel="stylesheet" href="/static/streams/stream-output.css">
 *     <script type="module" src="/static/streams/stream-output.js"></script>
 *     <stream-output src="/stream/build" transport="sse" autostart></stream-output>
 *
 * Attributes that a page sets:
 *
 * - `src`: the stream's URL. Changing it while a stream is shown shows the new stream.
 * - `transport`: "auto" (the default), "websocket", "sse", "chunked" or "polling". A change while the
 *   stream runs takes effect at once, and no piece is lost.
 * - `after`: the cursor to start from, "0" by default, or "latest".
 * - `pace`: replay a finished stream, at this many seconds a piece, or "recorded".
 * - `wait`: wait for a stream that doesn't exist yet, for this many seconds, or for 60 without a value.
 * - `autostart`: start as soon as the element is on the page.
 * - `csrf-token`, `csrf-cookie`, `csrf-header`: how `stop()` sends Django's CSRF token, for sites that
 *   change the settings for the token. `{% stream_output %}` sets them.
 * - `data-word-<state>`: the words to show, such as `data-word-done="Done"`; see `WORDS`.
 *
 * Attributes that the element sets:
 *
 * - `state`: "idle", "connecting", "live", an end state ("done", "stopped", "failed", "interrupted"),
 *   or "refused". A text that fails its check ends as "failed".
 * - `cursor`: the cursor after the last piece shown.
 * - `via`: the transport in use.
 *
 * Events, all of which bubble:
 *
 * - `streamrecord`: `detail` is a record, as `open()` yields it.
 * - `streamstate`: `detail` is `{state, via, reason}`.
 * - `streamend`: `detail` is the end record, or `{end, reason, error}` if reading failed.
 */

import { textOf } from "./records.js";
import { StreamCorrupt, StreamRefused, open, stop } from "./streams.js";
import { Transcript } from "./transcript.js";
import { AUTO, checkTransport } from "./transports.js";

/** The words for elements without `data-word-…` attributes. */
const WORDS = {
  label: "Stream output",
  idle: "Not started",
  connecting: "Connecting…",
  reconnecting: "Reconnecting…",
  live: "Streaming",
  done: "Done",
  stopped: "Stopped",
  failed: "Failed",
  interrupted: "Interrupted",
  refused: "Refused",
  corrupt: "The text received is not the text that was sent.",
};

/** The class of `<stream-output>`; this module's comment describes its attributes and events. */
export class StreamOutput extends HTMLElement {
  static observedAttributes = ["src", "transport"];

  #reader = null;
  #transcript = null;
  #ended = false;
  #state;
  #status;

  connectedCallback() {
    if (this.#reader) return; // The element was only moved.
    if (!this.#transcript) this.#build();
    if (this.#ended) return;
    this.#enter("idle");
    if (this.hasAttribute("autostart")) this.start();
  }

  disconnectedCallback() {
    // Moving an element disconnects and connects it in the same task, and must not end the reading. The
    // microtask runs after both.
    queueMicrotask(() => {
      if (!this.isConnected) this.close();
    });
  }

  attributeChangedCallback(name, before, value) {
    if (before === value) return;
    if (name === "transport" && this.#reader) this.#reader.transport = value ?? AUTO;
    // The page replaces a stream that is shown by another one.
    if (name === "src" && (this.#reader || this.#ended)) this.start();
  }

  /** The stream's URL, as in the attribute. */
  get src() {
    return this.getAttribute("src");
  }

  set src(url) {
    this.setAttribute("src", url);
  }

  /**
   * The transport asked for: a name, or "auto". A new transport continues from the cursor.
   * @throws {RangeError} when set to a name that isn't a transport's
   */
  get transport() {
    return this.getAttribute("transport") ?? AUTO;
  }

  set transport(name) {
    this.setAttribute("transport", checkTransport(name));
  }

  /** The state, as in the attribute; null before the element is on a page. */
  get state() {
    return this.getAttribute("state");
  }

  /** The cursor after the last piece shown, as text; null before the first. */
  get cursor() {
    return this.getAttribute("cursor");
  }

  /** Clear the text, and read the stream from the cursor in `after` on. */
  start() {
    this.#hangUp();
    const after = this.getAttribute("after") ?? "0";
    const reader = open(this.src, {
      transport: this.transport,
      after,
      pace: this.getAttribute("pace"),
      wait: this.getAttribute("wait") || this.hasAttribute("wait"),
      onlink: ({ state, transport }) => this.#showLink(reader, state, transport),
    });
    this.#reader = reader;
    this.#ended = false;
    this.#transcript.clear(Number(after.split(".").at(-1)) || 0); // "latest" has no number yet.
    this.#read(reader);
  }

  /** Stop reading. The stream goes on without this reader, and the text stays on the page. */
  close() {
    if (!this.#reader) return;
    this.#transcript.write();
    this.#hangUp();
    this.#enter("idle");
  }

  /**
   * Stop the stream for everybody.
   * @returns {Promise<void>} rejects with StreamRefused if this user may not stop the stream
   */
  stop() {
    return stop(this.src, {
      csrfToken: this.getAttribute("csrf-token") ?? undefined,
      csrfCookie: this.getAttribute("csrf-cookie") ?? undefined,
      csrfHeader: this.getAttribute("csrf-header") ?? undefined,
    });
  }

  async #read(reader) {
    try {
      for await (const record of reader) {
        this.#tell("streamrecord", record);
        if (reader !== this.#reader) return;
        if (record.end) this.#end(record.end, record.reason, record);
        else if (record.reset === undefined) this.#transcript.append(textOf(record));
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
    // Screen readers announce the start and the end, but not each reconnection between them.
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
    // A cloned element contains the parts of the original.
    for (const old of this.querySelectorAll(":scope > [class^='stream-output-']")) old.remove();
    this.#state = part("p", "state", { "aria-hidden": "true" });
    this.#status = part("p", "status", { role: "status" });
    const text = part("div", "text", {
      role: "log",
      "aria-live": "off", // By default a log is live: a screen reader would announce each piece.
      "aria-label": this.#word("label"),
      tabindex: "0", // The text scrolls, so that the keyboard must be able to focus it.
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
