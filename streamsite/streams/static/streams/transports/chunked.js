/** Chunked transfer: one response that grows, with one JSON record on each line (NDJSON). */

import { ConnectionLost } from "../errors.js";
import { get, read } from "../http.js";
import { recordsOf } from "../records.js";

/** The transport's `connect`, as transports.js describes it. */
export async function* chunked(connection) {
  const response = await get(connection, "chunked", { accept: "application/x-ndjson" });
  yield [];
  let rest = "";
  for await (const text of read(response)) {
    const lines = text.split("\n");
    lines[0] = rest + lines[0];
    // The rest is the start of a line. If the body ends here, the rest is half a record and is dropped.
    rest = lines.pop();
    yield lines.filter((line) => line !== "").flatMap(recordsOfLine);
  }
}

function recordsOfLine(line) {
  try {
    return recordsOf(line);
  } catch (cause) {
    throw new ConnectionLost(`A line of the response is not JSON: ${cause.message}`, { cause });
  }
}
