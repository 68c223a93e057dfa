/**
 * Server-Sent Events, read with fetch and a parser of our own. EventSource would not say with which
 * status and words a server refuses, and connects again by itself, whether the reader wants it or not.
 */

import { ConnectionLost } from "../errors.js";
import { EventStreamParser } from "../event-stream.js";
import { get, read } from "../http.js";
import { polling } from "./polling.js";

const TYPES = new Set(["message", "reset", "end"]);

/** A transport, as transports.js has it. */
export async function* sse(connection) {
  const response = await get(connection, "events", { accept: "text/event-stream" });
  if (response.status === 204) {
    // That keeps an EventSource that has everything from coming back, but doesn't tell how the stream ended.
    yield* polling(connection);
    return;
  }
  const parser = new EventStreamParser();
  for await (const text of read(response)) {
    const events = parser.feed(text);
    const records = events.filter(({ type }) => TYPES.has(type)).map(recordOf);
    if (parser.retry !== null) records.unshift({ retry: parser.retry });
    yield records;
  }
}

function recordOf({ data }) {
  try {
    return JSON.parse(data);
  } catch (cause) {
    throw new ConnectionLost(`an event's data isn't JSON: ${cause.message}`, { cause });
  }
}
