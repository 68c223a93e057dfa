/** Whether a request had a connection to itself: the one thing of TCP that the browser tells. */

/** @type {Map<string, (entry: PerformanceResourceTiming) => void>} */
const waiting = new Map();

// An observer, for the list kept by `performance` is full after 250 requests.
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) {
    waiting.get(entry.name)?.(entry);
    waiting.delete(entry.name);
  }
}).observe({ type: "resource" });

/**
 * Tells, a moment after the response, whether the next request for this URL opened a connection.
 *
 * @returns {Promise<boolean>}
 */
export async function opensConnection(url) {
  const entry = await new Promise((resolve) => {
    waiting.set(new URL(url, location.href).href, resolve);
  });
  // For a connection already there, both moments are given as the fetch's own beginning.
  return entry.connectStart > entry.fetchStart || entry.connectEnd > entry.fetchStart;
}
