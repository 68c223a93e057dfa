/**
 * The text/event-stream format, without any I/O.
 * WHATWG HTML, 9.2.5 and 9.2.6: https://html.spec.whatwg.org/multipage/server-sent-events.html
 */

const LINE_END = /\r\n|\r|\n/g;

/**
 * @typedef {object} StreamEvent
 * @property {string} type "message" where the stream names none
 * @property {string} data
 * @property {string} lastEventId the last id seen, on this event or before
 */

/** Takes the decoded text of an event stream in parts, and gives back its events. */
export class EventStreamParser {
  /** The last reconnection time that the stream asked for, in milliseconds. */
  retry = null;

  #begun = false;
  #afterCarriageReturn = false;
  #line = "";
  #type = "";
  #data = [];
  #lastEventId = "";

  /**
   * Return the events that this text completes. An unfinished one waits for more.
   * @param {string} text
   * @returns {StreamEvent[]}
   */
  feed(text) {
    if (text === "") return [];
    let start = 0;
    if (!this.#begun) {
      this.#begun = true;
      if (text.startsWith("\uFEFF")) start = 1;
    }
    // A CR ends its line at once, without waiting; the LF that may follow in the next part belongs to it.
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
