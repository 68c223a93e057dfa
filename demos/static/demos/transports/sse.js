import { bodyFraming, byteLength, eventText, visible } from "../wire.js";
import { data, derived, seen } from "../recording.js";
import { httpVersion, recordCut, recordEnd, requestHead, valuesOf } from "./http.js";

/** The last event's data. Without it the browser would take the end for a fault, and connect again. */
const END = "END";

/** Listens to one EventSource until its last event. */
export async function* sse(src, { signal, wire }) {
  const version = httpVersion();
  const headers = ["Accept: text/event-stream", "Cache-Control: no-cache"];
  wire.record({ direction: "up", parts: requestHead(src, version, headers), requests: 1 });

  const source = new EventSource(src);
  const opened = () => wire.record({
    direction: "down",
    parts: [derived(`${version} 200 OK\ncontent-type: text/event-stream`)],
  });
  try {
    for await (const text of valuesOf(dataOf(source, { signal, wire, opened }))) {
      recordEvent(wire, text, version);
      if (text === END) break;
      yield text;
    }
  } finally {
    source.close();
  }
  if (signal.aborted) return;
  recordEnd(wire, version);
}

/** The data of each event as a stream, which is a queue for whoever reads it more slowly. */
function dataOf(source, { signal, wire, opened }) {
  return new ReadableStream({
    start(queue) {
      source.onopen = opened;
      source.onmessage = (event) => queue.enqueue(event.data);
      source.onerror = () => {
        // It would connect again by itself and get the text from the start.
        source.close();
        queue.error(new Error("EventSource error"));
      };
      signal.addEventListener("abort", () => {
        source.close();
        recordCut(wire);
        queue.close();
      }, { once: true });
    },
  });
}

function recordEvent(wire, text, version) {
  const isEnd = text === END;
  const size = byteLength(eventText(text));
  const { head, tail, bytes } = bodyFraming(size, version);
  const payload = isEnd ? 0 : byteLength(text);
  const framing = size - payload + bytes;
  wire.record({
    direction: "down",
    parts: [derived(visible(head)), ...eventParts(text), derived(visible(`\n\n${tail}`))],
    note: [seen(`${payload}`), derived(`+ ${framing} B`)],
    messages: 1,
    payload,
    framing,
    text: isEnd ? "" : text,
  });
}

/** Each line of the text behind its field name; the line breaks between are the text's own. */
function eventParts(text) {
  return text.split("\n").flatMap((line, index) => [
    derived(index ? visible("\ndata: ") : "data: "),
    data(visible(line)),
  ]);
}
