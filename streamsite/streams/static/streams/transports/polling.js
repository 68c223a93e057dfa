/** Polling: one request after the other, each of which the server holds until it has something. */

import { formatCursor, parseCursor } from "../cursor.js";
import { ConnectionLost } from "../errors.js";
import { get } from "../http.js";
import { sleep } from "../timing.js";

const WAIT = 20;

/** Milliseconds between requests where the server doesn't hold them, so that they never run hot. */
const PAUSE = 250;

/** A transport, as transports.js has it. */
export async function* polling(connection) {
  let { after } = connection;
  // The first answer comes at once: it shows that the server is there.
  for (let wait = 0; ; wait = WAIT) {
    const response = await get({ ...connection, after }, "polling", {
      accept: "application/json",
      query: { wait },
    });
    const answer = await answerOf(response);
    yield answer.records;
    if (answer.records.at(-1)?.end) return;
    if (wait && answer.records.length === 0) await sleep(PAUSE, connection.signal);
    after = answer.after;
  }
}

async function answerOf(response) {
  try {
    const answer = await response.json();
    return { after: formatCursor(parseCursor(answer.after)), records: recordsOf(answer) };
  } catch (cause) {
    throw new ConnectionLost(`polling's answer can't be read: ${cause.message}`, { cause });
  }
}

/** The records that the other transports would have brought. Numbers follow from the cursor. */
function recordsOf({ pieces, after, state, sha256, reason, reset, why }) {
  const { rev, n } = parseCursor(after);
  const revision = rev ? { rev } : {};
  const first = n - pieces.length;
  const records = pieces.map((text, index) => ({ n: first + index, text, ...revision }));
  if (reset !== undefined) records.unshift({ reset, why, ...revision });
  // The state is "done" while pieces are still to come; the hash comes with the last of them.
  if (sha256 !== undefined) records.push({ end: state, n, sha256, ...(reason && { reason }), ...revision });
  return records;
}
