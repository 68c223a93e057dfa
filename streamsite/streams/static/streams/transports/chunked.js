/** Chunked transfer: one response that goes on, a JSON record a line. */

import { ConnectionLost } from "../errors.js";
import { get, read } from "../http.js";

/** A transport, as transports.js has it. */
export async function* chunked(connection) {
  const response = await get(connection, "chunked", { accept: "application/x-ndjson" });
  yield [];
  let rest = "";
  for await (const text of read(response)) {
    const lines = text.split("\n");
    lines[0] = rest + lines[0];
    // What has no line end yet waits for it. At the end of the body it is half a record, and is dropped.
    rest = lines.pop();
    yield lines.filter((line) => line !== "").map(recordOf);
  }
}

function recordOf(line) {
  try {
    return JSON.parse(line);
  } catch (cause) {
    throw new ConnectionLost(`a line isn't JSON: ${cause.message}`, { cause });
  }
}
