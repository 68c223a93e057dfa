/**
 * The `<stream-output>` element: the text of a stream on a page. JSON values are shown as lines.
 *
 *     <link rel="stylesheet" href="/static/streams/stream-output.css">
 *     <script type="module" src="/static/streams/stream-output.js"></script>
 *     <stream-output src="/stream/build" transport="sse" autostart></stream-output>
 *
 * `stream-element.js` describes the attributes and the events.
 */

import { textOf } from "./records.js";
import { StreamElement } from "./stream-element.js";
import { Transcript } from "./transcript.js";

/** The class of `<stream-output>`. */
export class StreamOutput extends StreamElement {
  static words = { ...StreamElement.words, label: "Stream output" };

  #transcript;
  #state;
  #status;

  build() {
    this.#state = this.addPart("p", "state", { "aria-hidden": "true" });
    this.#status = this.addPart("p", "status", { role: "status" });
    const text = this.addPart("div", "text", {
      role: "log",
      "aria-live": "off", // By default a log is live: a screen reader would announce each piece.
      "aria-label": this.word("label"),
      tabindex: "0", // The text scrolls, so that the keyboard must be able to focus it.
    });
    this.#transcript = new Transcript(text, () => this.mark());
  }

  begin(after) {
    this.#transcript.clear(Number(after.split(".").at(-1)) || 0); // "latest" has no number yet.
  }

  take(piece) {
    this.#transcript.append(textOf(piece));
  }

  reset(n) {
    this.#transcript.truncate(n);
  }

  write() {
    this.#transcript.write();
  }

  enter(_state, words, quiet) {
    this.#state.textContent = words;
    if (!quiet && this.#status.textContent !== words) this.#status.textContent = words;
  }
}

customElements.define("stream-output", StreamOutput);
