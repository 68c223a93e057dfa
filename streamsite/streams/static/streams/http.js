/** The common code of the HTTP transports: URLs, error responses, and bodies as text. */

import { ConnectionLost, StreamRefused } from "./errors.js";

/**
 * The 4xx statuses of requests that may succeed when they are repeated: Request Timeout, Too Early,
 * Too Many Requests.
 */
export const PASSING = new Set([408, 425, 429]);

const JSON_TYPE = "application/json";

/**
 * Return the URL of one of a stream's endpoints. The query of the stream's own URL is kept.
 *
 * @param {string | URL} url the stream's URL
 * @param {string} name the endpoint's last path segment, such as "events"
 * @param {Record<string, string | number | null | undefined>} [query] parameters to add; null and
 *   undefined are left out
 * @returns {URL}
 */
export function endpoint(url, name, query = {}) {
  const address = new URL(url);
  address.pathname = `${address.pathname.replace(/\/$/, "")}/${name}`;
  for (const [key, value] of Object.entries(query)) {
    if (value !== undefined && value !== null) address.searchParams.set(key, value);
  }
  return address;
}

/**
 * Request a stream from an endpoint, from the connection's cursor on.
 *
 * @returns {Promise<Response>} a successful response of the type `accept`, or a 204
 * @throws {StreamRefused} if the server refuses the request
 * @throws {ConnectionLost} if there is no response, or one that another request may not get
 */
export async function get({ url, after, pace, signal, network = globalThis }, name, { accept, query }) {
  const response = await answered(network.fetch(endpoint(url, name, { after, pace, ...query }), {
    // A refusal is JSON. A server takes a client that accepts an event stream alone for an EventSource,
    // and tells it in an event stream to come back later.
    headers: { Accept: accept === JSON_TYPE ? accept : `${accept}, ${JSON_TYPE}` },
    cache: "no-store",
    signal,
  }));
  await check(response);
  const type = response.headers.get("Content-Type") ?? "no type";
  // A response of another type, such as a captive portal's page, doesn't come from the stream's server.
  // The next request may reach the server.
  if (response.status !== 204 && !type.startsWith(accept)) {
    discard(response);
    throw new ConnectionLost(`The server answered "${name}" with ${type} instead of ${accept}.`);
  }
  return response;
}

/**
 * Throw the error that a response's status stands for. Return if the status is a success.
 *
 * @param {Response} response
 * @throws {StreamRefused | ConnectionLost}
 */
export async function check(response) {
  const { ok, status } = response;
  if (ok) return;
  if (status >= 400 && status < 500 && !PASSING.has(status)) {
    throw new StreamRefused(status, await detailOf(response));
  }
  discard(response);
  throw new ConnectionLost(`The server answered with HTTP status ${status}.`, { retryAfter: retryAfter(response) });
}

/** Close the connection of a response whose body nobody reads. */
function discard(response) {
  response.body?.cancel().catch(() => {}); // Canceling fails if the connection is already lost.
}

/** Yield a body's text in parts, as they arrive. Leaving the loop early closes the connection. */
export async function* read(response) {
  const reader = response.body.getReader();
  // One decoder reads the whole body because the network may split a character between two parts.
  // Byte order marks are left to the formats, which have rules of their own for them.
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  try {
    for (;;) {
      const { value, done } = await answered(reader.read());
      if (done) return;
      yield decoder.decode(value, { stream: true });
    }
  } finally {
    reader.cancel().catch(() => {}); // Canceling fails if the connection is already closed.
  }
}

/**
 * Wait for a promise of `fetch()` or of a body, and turn its rejection into ConnectionLost.
 *
 * These promises reject with a TypeError for every failure of the network. If the signal was aborted,
 * the reader replaces the error by the signal's reason.
 */
export async function answered(promise) {
  try {
    return await promise;
  } catch (cause) {
    throw new ConnectionLost(cause.message, { cause });
  }
}

async function detailOf(response) {
  try {
    return (await response.json()).detail ?? response.statusText;
  } catch {
    return response.statusText;
  }
}

/** Return the delay that Retry-After asks for, in milliseconds (RFC 9110, 10.2.3: seconds, or a date). */
function retryAfter(response) {
  const value = response.headers.get("Retry-After") ?? "";
  const milliseconds = /^\d+$/.test(value) ? value * 1000 : Date.parse(value) - Date.now();
  return Math.max(0, milliseconds || 0);
}
