/**
 * The four transports of the demos.
 *
 * A transport is an async generator. It yields text as the text arrives, and records in `wire` what it
 * sees. It returns at the end of the text, and throws if the transfer breaks off. Aborting the signal
 * ends the transfer.
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
