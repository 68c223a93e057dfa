/**
 * What the elements that follow a stream have in common: attributes, events, and the life of their reader.
 *
 * Attributes that a page sets:
 *
 * - `src`: the stream's URL. Changing it while a stream is shown shows the new stream.
 * - `transport`: "auto" (the default), "websocket", "sse", "chunked" or "polling". A change while the
 *   stream runs takes effect at once, and no piece is lost.
 * - `after`: the cursor to start from, such as "17", or "latest" for the newest piece.
 * - `pace`: replay a finished stream, at this many seconds a piece, or "recorded".
 * - `wait`: wait for a stream that doesn't exist yet, for this many seconds, or for 60 without a value.
 * - `autostart`: start as soon as the element is on the page.
 * - `csrf-token`, `csrf-cookie`, `csrf-header`: how `stop()` sends Django's CSRF token, for sites that
 *   change the settings for the token. The template tags set them.
 * - `data-word-<state>`: the words to show, such as `data-word-done="Done"`; see `WORDS`.
 *
 * Attributes that the element sets:
 *
 * - `state`: "idle", "connecting", "live", an end state ("done", "stopped", "failed", "interrupted"),
 *   or "refused". A stream that fails its check ends as "failed".
 * - `cursor`: the cursor after the last piece shown.
 * - `via`: the transport in use.
 *
 * Events, all of which bubble:
 *
 * - `streamrecord`: `detail` is a record, as `open()` yields it.
 * - `streamstate`: `detail` is `{state, via, reason}`.
 * - `streamend`: `detail` is the end record, or `{end, reason, error}` if reading failed.
 */

import { StreamCorrupt, StreamRefused, open, stop } from "./streams.js";
import { AUTO, checkTransport } from "./transports.js";

/** The words for elements without `data-word-…` attributes. */
const WORDS = {
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

/**
 * A subclass has these methods:
 *
 * - `build()` adds the parts of the element, once.
 * - `begin(after)` clears what is shown: the next piece comes after the cursor `after`.
 * - `take(piece)` shows a piece, and `reset(n)` drops the pieces from number `n` on. Both may wait for
 *   the next animation frame.
 * - `write()` shows at once what still waits, and calls `mark()`. `written()` does so before the end, and
 *   may take several frames.
 * - `enter(state, words, quiet)` shows the state. `quiet` states aren't announced by screen readers.
 */
export class StreamElement extends HTMLElement {
  static observedAttributes = ["src", "transport"];

  /** Where reading starts without the attribute `after`. */
  static after = "0";

  /** The words for elements without `data-word-…` attributes. */
  static words = WORDS;

  #reader = null;
  #built = false;
  #ended = false;

  connectedCallback() {
    if (this.#reader) return; // The element was only moved.
    if (!this.#built) this.build();
    this.#built = true;
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

  /** Clear what is shown, and read the stream from the cursor in `after` on. */
  start() {
    this.#hangUp();
    const reader = open(this.src, {
      transport: this.transport,
      after: this.#after,
      pace: this.getAttribute("pace"),
      wait: this.getAttribute("wait") || this.hasAttribute("wait"),
      onlink: ({ state, transport }) => this.#showLink(reader, state, transport),
    });
    this.#reader = reader;
    this.#ended = false;
    this.begin(this.#after);
    this.#read(reader);
  }

  /** Stop reading. The stream goes on without this reader, and what it showed stays on the page. */
  close() {
    if (!this.#reader) return;
    this.write();
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

  // For the subclass.

  /** Show what still waits. Resolve when everything is shown. */
  async written() {
    this.write();
  }

  /** Set the attribute `cursor`: all pieces received so far are shown. */
  mark() {
    if (this.#reader) this.setAttribute("cursor", this.#reader.cursor);
  }

  /** Return the words for a state or a part of the element. */
  word(key) {
    return this.getAttribute(`data-word-${key}`) ?? this.constructor.words[key];
  }

  /**
   * Add a part to the element, with the class `<element's name>-<name>`. Return the part.
   * @param {string} tag
   * @param {string} name
   * @param {Record<string, string>} [attributes]
   */
  addPart(tag, name, attributes = {}) {
    const element = document.createElement(tag);
    element.className = `${this.localName}-${name}`;
    // A cloned element contains the parts of the original.
    this.querySelector(`:scope > .${element.className}`)?.remove();
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    this.append(element);
    return element;
  }

  get #after() {
    return this.getAttribute("after") ?? this.constructor.after;
  }

  async #read(reader) {
    try {
      for await (const record of reader) {
        this.#tell("streamrecord", record);
        if (reader !== this.#reader) return;
        if (record.end) await this.#end(reader, record.end, record.reason, record);
        else if (record.reset === undefined) this.take(record);
        else this.reset(record.reset);
      }
    } catch (error) {
      if (reader !== this.#reader) return;
      const end = error instanceof StreamRefused ? "refused" : "failed";
      const reason = error instanceof StreamCorrupt ? this.word("corrupt") : (error.detail ?? error.message);
      await this.#end(reader, end, reason, { end, reason, error });
    }
  }

  async #end(reader, state, reason, detail) {
    await this.written();
    if (reader !== this.#reader) return;
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
    const begun = this.hasAttribute("cursor") && this.cursor !== this.#after;
    this.setAttribute("state", state);
    const words = [this.word(state === "connecting" && begun ? "reconnecting" : state), reason];
    // Screen readers announce the start and the end, but not each reconnection between them.
    this.enter(state, words.filter(Boolean).join(": "), state === "idle" || state === "connecting");
    this.#tell("streamstate", { state, via: this.getAttribute("via"), reason });
  }

  #tell(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { bubbles: true, detail }));
  }
}
