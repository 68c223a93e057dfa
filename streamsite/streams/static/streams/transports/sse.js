/**
 * Server-Sent Events, read with `fetch()` and a parser of this package.
 *
 * `EventSource` doesn't fit for two reasons. It hides the status and the body of a refusal, and it
 * reconnects by itself, although the reader decides when to reconnect.
 */

import { ConnectionLost } from "../errors.js";
import { EventStreamParser } from "../event-stream.js";
import { get, read } from "../http.js";
import { recordsOf } from "../records.js";
import { polling } from "./polling.js";

const TYPES = new Set(["message", "reset", "end"]);

/** The transport's `connect`, as transports.js describes it. */
export async function* sse(connection) {
  const response = await get(connection, "events", { accept: "text/event-stream" });
  if (response.status === 204) {
    // The server answers 204 to a reader that has all pieces, because 204 stops an EventSource. A 204 has
    // no body, so the end record comes from polling.
    yield* polling(connection);
    return;
  }
  const parser = new EventStreamParser();
  for await (const text of read(response)) {
    const events = parser.feed(text);
    const records = events.filter(({ type }) => TYPES.has(type)).flatMap(recordsOfEvent);
    if (parser.retry !== null) records.unshift({ retry: parser.retry });
    yield records;
  }
}

function recordsOfEvent({ data }) {
  try {
    return recordsOf(data);
  } catch (cause) {
    throw new ConnectionLost(`The data of an event is not JSON: ${cause.message}`, { cause });
  }
}
