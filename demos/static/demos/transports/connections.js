/** Whether a request opened a TCP connection: the only fact about TCP that the browser reports. */

/** @type {Map<string, (entry: PerformanceResourceTiming) => void>} */
const waiting = new Map();

// The list of `performance` itself is full after 250 requests. An observer has no such limit.
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) {
    waiting.get(entry.name)?.(entry);
    waiting.delete(entry.name);
  }
}).observe({ type: "resource" });

/**
 * Tell whether the next request for this URL opens a connection. The answer comes shortly after the
 * response.
 *
 * @returns {Promise<boolean>}
 */
export async function opensConnection(url) {
  const entry = await new Promise((resolve) => {
    waiting.set(new URL(url, location.href).href, resolve);
  });
  // For a reused connection both times are the start of the fetch: Fetch, "clamp and coarsen connection
  // timing info".
  return entry.connectStart > entry.fetchStart || entry.connectEnd > entry.fetchStart;
}
