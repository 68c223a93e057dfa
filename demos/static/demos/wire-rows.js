/** A recording's entries as rows of a list. */

/**
 * Return an entry as a list item: its time, its direction, its bytes and its note.
 * @param {import("./recording.js").Entry} entry
 */
export function rowOf(entry) {
  const row = document.createElement("li");
  row.dataset.direction = entry.direction;
  row.append(
    cell("time", [{ text: (entry.at / 1000).toFixed(3) }]),
    cell("arrow", [{ text: entry.direction === "up" ? "↑" : "↓" }]),
    cell("bytes", entry.parts),
    cell("meta", entry.note),
  );
  return row;
}

/** Return the parts of an entry's note as elements. */
export function notesOf(entry) {
  return entry.note.map(toSpan);
}

function cell(name, parts) {
  const element = document.createElement("span");
  element.className = name;
  element.append(...parts.map(toSpan));
  return element;
}

/** @param {import("./recording.js").Part} part */
function toSpan({ text, derived = false, kind }) {
  const span = document.createElement("span");
  span.textContent = text;
  span.classList.toggle("derived", derived);
  if (kind) span.classList.add(kind);
  return span;
}
