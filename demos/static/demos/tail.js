/** Keeps a scrolling box at its end while the reader is there, and leaves it alone once they scroll up. */

const NEAR = 24;

/**
 * @param {HTMLElement} box
 * @param {() => void} change what makes the box longer
 */
export function followingTail(box, change) {
  const follows = box.scrollHeight - box.scrollTop - box.clientHeight < NEAR;
  change();
  if (follows) box.scrollTop = box.scrollHeight;
}
