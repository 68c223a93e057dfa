/**
 * Cursors: how many pieces a reader has received, and of which revision of the stream.
 *
 * A cursor is written as `17` in revision 0, and as `2.17` in revision 2. An edit of the text makes a new
 * revision, and so does a new stream under the name of a deleted one.
 */

/** In place of a cursor: the newest piece, and what follows. */
export const LATEST = "latest";

const CURSOR = /^(?:(\d{1,9})\.)?(\d{1,15})$/;

/**
 * Parse a cursor.
 *
 *     parseCursor("2.17") // { rev: 2, n: 17 }
 *
 * @param {string | number} text
 * @returns {{rev: number, n: number}} the revision, and the number of pieces received
 * @throws {RangeError} if the text is not a cursor
 */
export function parseCursor(text) {
  const match = CURSOR.exec(text);
  if (!match) {
    throw new RangeError(
      `The cursor ${JSON.stringify(text)} is not valid. Use the number of pieces received so far, `
      + 'such as 17, "2.17" for revision 2, or "latest".',
    );
  }
  return { rev: Number(match[1] ?? 0), n: Number(match[2]) };
}

/** Return a cursor as text, the reverse of `parseCursor()`. */
export function formatCursor({ rev, n }) {
  return rev ? `${rev}.${n}` : `${n}`;
}
