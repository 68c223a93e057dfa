import { bodyFraming, byteLength, eventText, visible } from "../wire.js";
import { data, derived, seen } from "../recording.js";
import { httpVersion, recordCut, recordEnd, requestHead, valuesOf } from "./http.js";

/** The data of the last event. An EventSource reconnects when a response ends, unless it is closed before. */
const END = "END";

/** Yield the data of an EventSource's events until the last event. */
export async function* sse(src, { signal, wire, network = globalThis }) {
  const version = httpVersion();
  const headers = ["Accept: text/event-stream", "Cache-Control: no-cache"];
  wire.record({ direction: "up", parts: requestHead(src, version, headers), requests: 1 });

  const source = new network.EventSource(src);
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

/** Return the events' data as a stream, which queues data until it is read. */
function dataOf(source, { signal, wire, opened }) {
  return new ReadableStream({
    start(queue) {
      source.onopen = opened;
      source.onmessage = (event) => queue.enqueue(event.data);
      source.onerror = () => {
        // The EventSource would reconnect by itself and receive the text from the start.
        source.close();
        queue.error(new Error("EventSource error"));
      };
      signal.addEventListener("abort", () => {
        // A connection that has ended is cut no more.
        if (source.readyState === EventSource.CLOSED) return;
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

/** Return the parts of an event: each line of the text after its field name. */
function eventParts(text) {
  return text.split("\n").flatMap((line, index) => [
    derived(index ? visible("\ndata: ") : "data: "),
    data(visible(line)),
  ]);
}
