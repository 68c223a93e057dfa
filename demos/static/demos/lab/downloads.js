/** The figures of a race to take away. Pure, except for `save()`. */

const COLUMNS = [
  "transport", "source", "state", "pieces", "lost", "repeated", "p50", "p99", "requests", "payload", "overhead", "verified",
];

/** Return the panels' figures as CSV (RFC 4180), with lags in milliseconds and sizes in bytes. */
export function csvOf(panels) {
  const rows = panels.map((figures) => COLUMNS.map((name) => fieldOf(figures[name])).join(","));
  return [COLUMNS.join(","), ...rows, ""].join("\r\n");
}

/** Return everything that the page has counted as JSON. */
export function jsonOf({ run, events, clock, faults, outcomes, writtenAt }, panels) {
  const { id, options, count, length, sha256, stream } = run;
  return JSON.stringify({
    run: { id, options, count, length, sha256, stream, events },
    clock: { offset: clock.offset, error: clock.error },
    panels: panels.map(({ figures, curve }) => ({ ...figures, curve })),
    faults,
    outcomes,
    writtenAt,
  }, null, 1);
}

/** Offer a text as a file. */
export function save(name, type, text) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type }));
  link.download = name;
  link.click();
  URL.revokeObjectURL(link.href);
}

function fieldOf(value) {
  if (typeof value === "number") return String(Math.round(value * 10) / 10);
  return value === null || value === undefined ? "" : String(value);
}
