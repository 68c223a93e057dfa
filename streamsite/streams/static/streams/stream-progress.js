/**
 * The `<stream-progress>` element: a bar and a line of words from a stream of JSON values.
 *
 *     <link rel="stylesheet" href="/static/streams/stream-progress.css">
 *     <script type="module" src="/static/streams/stream-progress.js"></script>
 *     <stream-progress src="/stream/import" autostart></stream-progress>
 *
 * The values are objects such as `{"progress": 0.42, "message": "Reading the orders"}`. Each value says
 * everything, because the element starts with the latest one: without `progress` (a number from 0 to 1)
 * the bar shows that work goes on, and without `message` there are no words. Other members are ignored.
 * A value of another form is ignored, too, with one warning in the console.
 *
 * `stream-element.js` describes the attributes and the events. `after` is "latest" by default.
 */

import { progressOf } from "./progress.js";
import { StreamElement } from "./stream-element.js";

/** How many milliseconds lie between two messages that a screen reader announces. */
const ANNOUNCING = 10_000;

/** The class of `<stream-progress>`. */
export class StreamProgress extends StreamElement {
  static after = "latest";
  static words = { ...StreamElement.words, label: "Progress" };

  #message;
  #figure;
  #bar;
  #state;
  #status;
  #percent;
  /** What is shown, or is about to be shown with the next frame. */
  #latest = null;
  #frame = 0;
  #warned = false;
  /** When a message was last announced, and the timer of the next announcement. */
  #announcedAt = -Infinity;
  #timer = 0;

  build() {
    this.#message = this.addPart("p", "message");
    this.#figure = this.addPart("p", "figure", { "aria-hidden": "true" }); // The bar has the same value.
    this.#bar = this.addPart("progress", "bar", { "aria-label": this.word("label"), max: "1" });
    this.#state = this.addPart("p", "state", { "aria-hidden": "true" });
    this.#status = this.addPart("p", "status", { role: "status" });
    this.#percent = new Intl.NumberFormat(languageOf(this), { style: "percent" });
  }

  begin() {
    this.#latest = null;
    this.write();
  }

  take({ data }) {
    const progress = progressOf(data);
    if (progress) {
      this.#latest = progress;
      this.#frame ||= requestAnimationFrame(() => this.write());
    } else if (!this.#warned) {
      this.#warned = true;
      // eslint-disable-next-line no-console -- for the developer of the page
      console.warn('<stream-progress> ignores a value that is not like {"progress": 0.42, "message": "…"}:', data);
    }
  }

  reset() {
    this.begin();
  }

  write() {
    cancelAnimationFrame(this.#frame);
    this.#frame = 0;
    const { progress = null, message = "" } = this.#latest ?? {};
    this.#message.textContent = message;
    this.#show(progress);
    this.#announce();
    this.mark();
  }

  enter(state, words, quiet) {
    const over = !["idle", "connecting", "live"].includes(state);
    // While the stream goes on, the message says more than the word for it.
    this.#state.textContent = state === "live" ? "" : words;
    if (state === "done") this.#show(1);
    else if (over || state === "idle") this.#show(this.#latest?.progress ?? 0); // No work goes on.
    if (over) this.#say([this.#message.textContent, words].filter(Boolean).join(". "));
    else if (!quiet) this.#announce();
    else clearTimeout(this.#timer);
  }

  #show(progress) {
    // Rounded down, so that the figure says 100 % only at the end.
    this.#figure.textContent = progress === null ? "" : this.#percent.format(Math.floor(progress * 100) / 100);
    if (progress === null) this.#bar.removeAttribute("value");
    else this.#bar.value = progress;
  }

  /** Have screen readers say the message, unless they said another one a short time ago. */
  #announce() {
    clearTimeout(this.#timer);
    const message = this.#message.textContent;
    if (!message || message === this.#status.textContent) return;
    const wait = this.#announcedAt + ANNOUNCING - performance.now();
    if (wait <= 0) this.#say(message);
    else this.#timer = setTimeout(() => this.#announce(), wait);
  }

  #say(words) {
    clearTimeout(this.#timer);
    this.#announcedAt = performance.now();
    this.#status.textContent = words;
  }
}

/** Return the language of an element's text, or undefined for the browser's language. */
function languageOf(element) {
  const { lang } = element.closest("[lang]") ?? {};
  try {
    return Intl.getCanonicalLocales(lang)[0];
  } catch {
    return undefined;
  }
}

customElements.define("stream-progress", StreamProgress);
