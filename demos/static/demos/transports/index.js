/**
 * The four transports of the demos.
 *
 * A transport is an async generator. It yields text as the text arrives, and records in `wire` what it
 * sees. It returns at the end of the text, and throws if the transfer breaks off. Aborting the signal
 * ends the transfer.
 *
 * `network` opens the connections; without it, the browser does. Polling takes two more options: `first`,
 * the number of the piece to begin with, and `interval`, the milliseconds from one request to the next.
 *
 * @typedef {import("../recording.js").Recording} Recording
 * @typedef {Pick<typeof globalThis, "fetch" | "EventSource" | "WebSocket">} Network
 * @typedef {{ signal: AbortSignal, wire: Recording, network?: Network, first?: number, interval?: number }} Options
 * @typedef {(src: string, options: Options) => AsyncGenerator<string>} Transport
 */

import { chunked } from "./chunked.js";
import { polling } from "./polling.js";
import { sse } from "./sse.js";
import { websocket } from "./websocket.js";

/** @type {Record<string, Transport>} */
export const transports = { polling, chunked, sse, websocket };
