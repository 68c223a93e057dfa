/** Reading an answer to its end, over as many connections as that takes. */

import { sleep } from "../../streams/timing.js";
import { Answer } from "./answer.js";
import { Refusal } from "./api.js";

/** Milliseconds until the page connects again, for each attempt in a row. */
const PAUSES = [300, 1000, 2000, 4000];

/**
 * Read an answer. Return it when it is complete, or null if the server has none.
 *
 * Throws what ended the reading: the abortion of `signal`, a refusal, or the loss of a connection before the first
 * part. A connection that is lost later is followed by another one, which brings the answer from its beginning.
 *
 * @param {object} options
 * @param {() => AsyncGenerator<object, boolean>} options.begin opens the first connection, and yields parts
 * @param {() => AsyncGenerator<object, boolean>} options.resume opens each further connection
 * @param {AbortSignal} options.signal
 * @param {(answer: Answer, part: object) => void} options.update is called with the answer so far, and with its newest part
 * @param {() => void} options.lost is called when a connection was lost
 * @returns {Promise<Answer | null>}
 */
export async function readAnswer({ begin, resume, signal, update, lost }) {
  let connect = begin;
  let begun = false;
  for (let attempt = 0; ; attempt++) {
    const answer = new Answer();
    const parts = connect();
    let received = 0;
    try {
      for (;;) {
        const { done, value } = await parts.next();
        signal.throwIfAborted();
        if (done) return value ? answer : null;
        answer.add(value);
        begun = true;
        received += 1;
        update(answer, value);
      }
    } catch (error) {
      signal.throwIfAborted();
      if (!begun || !isLoss(error)) throw error;
    } finally {
      parts.return();
    }
    if (received) attempt = 0;
    lost();
    await sleep(PAUSES[Math.min(attempt, PAUSES.length - 1)], signal);
    connect = resume;
  }
}

/** Return whether another connection may succeed. */
function isLoss(error) {
  return !(error instanceof Refusal) || error.status === 0 || error.status >= 500;
}
