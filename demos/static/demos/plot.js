/** The step line of a plot, as an SVG path. Pure functions. */

/**
 * Return the path of the line of a count that grows.
 *
 * @param {{ at: number, count: number }[]} curve the steps, ordered by time
 * @param {{ width: number, height: number, until: number, most: number }} frame the plot's width and
 *   height, the time at its right edge, and the count at its upper edge
 * @returns {string} the `d` attribute of a `<path>`
 */
export function stepPath(curve, { width, height, until, most }) {
  const x = (at) => round((at / until) * width);
  const y = (count) => round(height - (count / most) * height);
  let path = `M0 ${y(0)}`;
  let column = -1;
  for (const { at, count } of curve) {
    // Steps closer than half a unit look the same, and would make a long run expensive to draw.
    if (x(at) - column < 0.5) continue;
    column = x(at);
    path += `H${x(at)}V${y(count)}`;
  }
  return `${path}V${y(curve.at(-1).count)}H${width}`;
}

function round(value) {
  return Math.round(value * 10) / 10;
}
