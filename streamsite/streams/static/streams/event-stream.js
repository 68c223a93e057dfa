/**
 * A parser for the `text/event-stream` format, without any I/O.
 *
 * Source: WHATWG HTML, sections 9.2.5 and 9.2.6,
 * https://html.spec.whatwg.org/multipage/server-sent-events.html
 */

const LINE_END = /\r\n|\r|\n/g;

/**
 * @typedef {object} StreamEvent
 * @property {string} type the event's name, "message" if the stream gives none
 * @property {string} data
 * @property {string} lastEventId the last id received, with this event or with an earlier one
 */

/**
 * Parses an event stream that arrives in parts.
 *
 *     const parser = new EventStreamParser();
 *     parser.feed("data: Hel"); // []
 *     parser.feed("lo\n\n"); // [{ type: "message", data: "Hello", lastEventId: "" }]
 */
export class EventStreamParser {
  /** The last reconnection time that the stream has sent, in milliseconds; null before the first. */
  retry = null;

  #begun = false;
  #afterCarriageReturn = false;
  #line = "";
  #type = "";
  #data = [];
  #lastEventId = "";

  /**
   * Return the events that this text completes. An incomplete event is kept until the next call.
   * @param {string} text decoded text; the parts may be split at any character
   * @returns {StreamEvent[]}
   */
  feed(text) {
    if (text === "") return [];
    let start = 0;
    if (!this.#begun) {
      this.#begun = true;
      if (text.startsWith("\uFEFF")) start = 1;
    }
    // A CR at the end of a part ends its line at once, so that the event isn't delayed. If the next part
    // starts with an LF, both characters are one line end.
    if (this.#afterCarriageReturn && text[0] === "\n") start = 1;
    this.#afterCarriageReturn = text.endsWith("\r");

    const events = [];
    LINE_END.lastIndex = start;
    for (let end = LINE_END.exec(text); end; end = LINE_END.exec(text)) {
      const line = this.#line + text.slice(start, end.index);
      this.#line = "";
      start = LINE_END.lastIndex;
      if (line === "") this.#dispatch(events);
      else this.#takeField(line);
    }
    this.#line += text.slice(start);
    return events;
  }

  #takeField(line) {
    const colon = line.indexOf(":");
    const name = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(line[colon + 1] === " " ? colon + 2 : colon + 1);
    if (name === "data") this.#data.push(value);
    else if (name === "event") this.#type = value;
    else if (name === "id" && !value.includes("\0")) this.#lastEventId = value;
    else if (name === "retry" && /^[0-9]+$/.test(value)) this.retry = Number(value);
  }

  #dispatch(events) {
    if (this.#data.length > 0) {
      events.push({
        type: this.#type || "message",
        data: this.#data.join("\n"),
        lastEventId: this.#lastEventId,
      });
    }
    this.#type = "";
    this.#data = [];
  }
}
