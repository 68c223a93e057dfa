/** Scrolling along with a box that grows. */

/** How many pixels above its end a box still counts as being at its end. */
const NEAR = 24;

/**
 * Change a box. If it was scrolled to its end, scroll it to its new end; otherwise keep its position.
 *
 * @param {HTMLElement} box
 * @param {() => void} change adds content to the box
 */
export function followingTail(box, change) {
  const follows = box.scrollHeight - box.scrollTop - box.clientHeight < NEAR;
  change();
  if (follows) box.scrollTop = box.scrollHeight;
}
