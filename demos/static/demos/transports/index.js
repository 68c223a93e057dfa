/**
 * Each transport is an async generator: it yields the text as it comes, writes to `wire` what it
 * saw, ends when the text does, and throws when it broke off. Aborting the signal ends it on the wire.
 *
 * @typedef {import("../recording.js").Recording} Recording
 * @typedef {(src: string, options: { signal: AbortSignal, wire: Recording }) => AsyncGenerator<string>} Transport
 */

import { chunked } from "./chunked.js";
import { polling } from "./polling.js";
import { sse } from "./sse.js";
import { websocket } from "./websocket.js";

/** @type {Record<string, Transport>} */
export const transports = { polling, chunked, sse, websocket };
