/**
 * A cursor: how many pieces a reader has, and of which revision of the stream.
 * Written `17`, or `2.17` of a stream that was edited twice after its end.
 */

const CURSOR = /^(?:(\d{1,9})\.)?(\d{1,15})$/;

/**
 * @param {string | number} text
 * @returns {{rev: number, n: number}}
 */
export function parseCursor(text) {
  const match = CURSOR.exec(text);
  if (!match) {
    throw new RangeError(`${JSON.stringify(text)} is not a cursor: write 17, or "2.17" for revision 2.`);
  }
  return { rev: Number(match[1] ?? 0), n: Number(match[2]) };
}

export function formatCursor({ rev, n }) {
  return rev ? `${rev}.${n}` : `${n}`;
}
