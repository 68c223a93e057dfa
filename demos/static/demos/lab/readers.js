/**
 * The two ways to read a run: from the engine, with a cursor, and the plain way.
 *
 * A reader is an async generator. It yields pieces `{n, text}` as they arrive, and at last `{end}`. In a
 * text without numbers a plain reader doesn't know the `n` of a piece: it is null. `onlink` is called with
 * "connecting", "reading" and "lost".
 */

import { open } from "../../streams/streams.js";
import { sleep } from "../../streams/timing.js";
import { transports } from "../transports/index.js";
import { countPiece, metered } from "./meter.js";
import { NumbersText } from "./numbers-text.js";

/** When a plain reader connects again after a loss, in milliseconds: as an EventSource in Chromium. */
const RETRY = 3000;
/** The interval of the article's polling, in milliseconds. */
const INTERVAL = 100;

const PLAIN_ENDPOINTS = { polling: "polling", chunked: "chunked", sse: "events", websocket: "ws" };
const LINKS = { connecting: "connecting", waiting: "connecting", open: "reading", lost: "lost" };

/**
 * @typedef {object} Reading
 * @property {"polling" | "chunked" | "sse" | "websocket"} transport
 * @property {number} after how many pieces the panel has
 * @property {{ text: string, size: number, rate: number }} options the run's
 * @property {import("./network.js").Network} network
 * @property {import("../recording.js").Recording} wire
 * @property {AbortSignal} signal
 * @property {(link: "connecting" | "reading" | "lost") => void} onlink
 */

/** @param {string} address @param {Reading} reading */
async function* engine(address, { transport, after, network, wire, signal, onlink }) {
  const reader = open(address, {
    transport,
    after,
    signal,
    network: metered(network, wire),
    onlink: ({ state }) => onlink(LINKS[state]),
  });
  for await (const record of reader) {
    if (record.text !== undefined) countPiece(wire, record.text);
    yield record;
  }
}

/** @param {string} address @param {Reading} reading */
async function* plain(address, { transport, after, options, network, wire, signal, onlink }) {
  const numbers = options.text === "numbers";
  const polls = transport === "polling";
  // Polling asks for pieces by their number, so that it alone goes on where it was.
  let next = after;
  for (;;) {
    onlink("connecting");
    const text = new NumbersText(options.size);
    const source = transports[transport](`${address}/${PLAIN_ENDPOINTS[transport]}`, {
      signal,
      wire,
      network,
      first: next,
      // A shorter interval than the article's where the pieces come faster.
      interval: Math.min(INTERVAL, 800 / options.rate),
    });
    try {
      let begun = false;
      for await (const part of source) {
        if (!begun) onlink("reading");
        begun = true;
        if (polls) yield { n: next, text: part };
        else if (numbers) yield* text.feed(part);
        else yield { n: null, text: part };
        next += 1;
      }
      signal.throwIfAborted();
      yield { end: "done" };
      return;
    } catch {
      signal.throwIfAborted();
      onlink("lost");
    }
    await sleep(RETRY, signal);
  }
}

export const readers = { engine, plain };
