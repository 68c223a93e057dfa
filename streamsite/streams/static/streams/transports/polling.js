/** Long polling: one request after another. The server holds each request until it has new pieces. */

import { formatCursor, parseCursor } from "../cursor.js";
import { ConnectionLost } from "../errors.js";
import { get } from "../http.js";
import { memberOf, partsOf } from "../records.js";
import { sleep } from "../timing.js";

/** How long the server may hold a request, in seconds. */
const WAIT = 20;

/**
 * The pause after an empty answer, in milliseconds. Without the pause, the reader would flood a server
 * that ignores `wait`.
 */
const PAUSE = 250;

/** The transport's `connect`, as transports.js describes it. */
export async function* polling(connection) {
  let { after } = connection;
  let receivedAt = performance.now();
  // The first request has no wait, so that its answer shows at once that the server is reachable.
  for (let wait = 0; ; wait = WAIT) {
    const response = await get({ ...connection, after }, "polling", {
      accept: "application/json",
      // In a replay the server needs to know when the last piece came, because it keeps no state for a
      // client between two polls.
      query: { wait, waited: ((performance.now() - receivedAt) / 1000).toFixed(3) },
    });
    const answer = await answerOf(response);
    if (answer.records.length > 0) receivedAt = performance.now();
    yield answer.records;
    if (answer.records.at(-1)?.end) return;
    if (wait && answer.records.length === 0) await sleep(PAUSE, connection.signal);
    after = answer.after;
  }
}

async function answerOf(response) {
  try {
    const json = await response.text();
    const answer = JSON.parse(json);
    return { after: formatCursor(parseCursor(answer.after)), records: recordsOf(answer, json) };
  } catch (cause) {
    throw new ConnectionLost(`The polling answer is not valid: ${cause.message}`, { cause });
  }
}

/** Return an answer as the records of the other transports. The pieces' numbers follow from the cursor. */
function recordsOf({ pieces, format, after, state, sha256, reason, reset, why }, json) {
  const { rev, n } = parseCursor(after);
  const revision = rev ? { rev } : {};
  const first = n - pieces.length;
  const sources = format === "json" ? partsOf(memberOf(json, "pieces")) : null;
  const records = pieces.map((piece, index) => ({
    n: first + index,
    ...(sources ? { data: piece, source: sources[index] } : { text: piece }),
    ...revision,
  }));
  if (reset !== undefined) records.unshift({ reset, why, ...revision });
  // The state of a finished stream is "done" in every answer, but only the last answer has the hash.
  if (sha256 !== undefined) records.push({ end: state, n, sha256, ...(reason && { reason }), ...revision });
  return records;
}
