/** The path of a step line. Pure: numbers in, the text of an SVG path out. */

/**
 * @param {{ at: number, characters: number }[]} curve in order of time
 * @param {{ width: number, height: number, until: number, most: number }} frame the plot's size,
 *   and the time and count that its far corner stands for
 */
export function stepPath(curve, { width, height, until, most }) {
  const x = (at) => round((at / until) * width);
  const y = (characters) => round(height - (characters / most) * height);
  let path = `M0 ${y(0)}`;
  let column = -1;
  for (const { at, characters } of curve) {
    // Steps closer than half a unit can't be told apart, and would make a long run dear to draw.
    if (x(at) - column < 0.5) continue;
    column = x(at);
    path += `H${x(at)}V${y(characters)}`;
  }
  return `${path}V${y(curve.at(-1).characters)}H${width}`;
}

function round(value) {
  return Math.round(value * 10) / 10;
}
