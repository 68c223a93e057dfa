/**
 * The `<stream-output>` element: the text of a stream on a page. JSON values are shown as lines.
 *
 *     <link rel="stylesheet" href="/static/streams/stream-output.css">
 *     <script type="module" src="/static/streams/stream-output.js"></script>
 *     <stream-output src="/stream/build" transport="sse" autostart></stream-output>
 *
 * `stream-element.js` describes the attributes and the events. This element has one more attribute:
 *
 * - `ansi`: show the text as a terminal does, with the colours and progress bars of a build log. A change
 *   takes effect at the next start.
 */

import { PlainText } from "./plain-text.js";
import { textOf } from "./records.js";
import { StreamElement } from "./stream-element.js";
import { TerminalText } from "./terminal-text.js";
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
    const first = Number(after.split(".").at(-1)) || 0; // "latest" has no number yet.
    this.#transcript.clear(first, this.hasAttribute("ansi") ? TerminalText : PlainText);
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

  written() {
    return this.#transcript.written();
  }

  enter(_state, words, quiet) {
    this.#state.textContent = words;
    if (!quiet && this.#status.textContent !== words) this.#status.textContent = words;
  }
}

customElements.define("stream-output", StreamOutput);
