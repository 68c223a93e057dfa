/** What the HTTP transports share: addresses, refusals, and bodies as text. */

import { ConnectionLost, StreamRefused } from "./errors.js";

/** Statuses of the 400s that speak of this moment, not of the request. */
const PASSING = new Set([408, 425, 429]);

/** Return the address of one of a stream's endpoints. A query that the stream's own has is kept. */
export function endpoint(url, name, query = {}) {
  const address = new URL(url);
  address.pathname = `${address.pathname.replace(/\/$/, "")}/${name}`;
  for (const [key, value] of Object.entries(query)) {
    if (value !== undefined && value !== null) address.searchParams.set(key, value);
  }
  return address;
}

/** Ask an endpoint for the stream from the connection's cursor on. */
export async function get({ url, after, pace, signal }, name, { accept, query }) {
  const response = await answered(fetch(endpoint(url, name, { after, pace, ...query }), {
    headers: { Accept: accept },
    cache: "no-store",
    signal,
  }));
  await check(response);
  const type = response.headers.get("Content-Type") ?? "no type";
  // What isn't the server's own answer, such as a captive portal's page, may be gone the next time.
  if (response.status !== 204 && !type.startsWith(accept)) {
    await response.body?.cancel();
    throw new ConnectionLost(`${type} came from ${name} instead of ${accept}`);
  }
  return response;
}

/** Throw what an answer that isn't a success stands for. */
export async function check(response) {
  const { ok, status } = response;
  if (ok) return;
  if (status >= 400 && status < 500 && !PASSING.has(status)) {
    throw new StreamRefused(status, await detailOf(response));
  }
  await response.body?.cancel();
  throw new ConnectionLost(`HTTP status ${status}`, { retryAfter: retryAfter(response) });
}

/** A body as text, part by part, as it arrives. Leaving the loop early closes the connection. */
export async function* read(response) {
  const reader = response.body.getReader();
  // One decoder for the whole body: a character may be split over two parts. A byte order mark is
  // for the format's own rules.
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  try {
    for (;;) {
      const { value, done } = await answered(reader.read());
      if (done) return;
      yield decoder.decode(value, { stream: true });
    }
  } finally {
    reader.cancel().catch(() => {}); // It fails when the connection is gone already.
  }
}

/** What fetch and bodies reject with says nothing about the cause: it is the network, or an abort. */
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

/** Milliseconds that Retry-After asks for, as seconds or as a date. */
function retryAfter(response) {
  const value = response.headers.get("Retry-After") ?? "";
  const milliseconds = /^\d+$/.test(value) ? value * 1000 : Date.parse(value) - Date.now();
  return Math.max(0, milliseconds || 0);
}
