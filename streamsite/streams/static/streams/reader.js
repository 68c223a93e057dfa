/**
 * One reader of one stream: it connects, takes records, and connects again from its cursor until it
 * has the end.
 */

import { Choice } from "./choice.js";
import { ConnectionLost, StreamRefused } from "./errors.js";
import { Ledger } from "./ledger.js";
import { Backoff, Deadline, online, sleep } from "./timing.js";
import { AUTO, checkTransport, transports } from "./transports.js";

/** How long a connection may take to open, in milliseconds. */
const OPENING = 10_000;

/** How long `wait: true` waits for a stream that doesn't exist yet, in seconds. */
const WAIT = 60;

/** The longest pause between two questions for a stream that doesn't exist yet, in milliseconds. */
const WAITING_PAUSE = 5_000;

const SWITCHED = Symbol("the reader's transport was changed");

/**
 * The state of a reader's connection.
 *
 * @typedef {object} Link
 * @property {"connecting" | "open" | "lost" | "waiting"} state "waiting": the stream doesn't exist yet
 * @property {string} transport the transport in use, never "auto"
 * @property {Error} [error] why the connection was lost
 */

/** An async iterator over a stream's records. `open()` in streams.js makes it and documents its options. */
export class Reader {
  #url;
  #pace;
  #network;
  #onlink;
  #wanted;
  #choice;
  #ledger;
  #backoff = new Backoff();
  /** Until when the stream may appear; null once it has brought a record. */
  #appears;
  /** Whether the stream didn't exist when it was last asked for. */
  #missing = false;
  #life = new AbortController();
  /** Aborts the current connection, or the current pause before the next one. */
  #link = new AbortController();
  #records = this.#read();

  constructor(url, options = {}) {
    const { transport = AUTO, after = 0, pace, wait = false, network, signal, onlink = () => {} } = options;
    this.#url = url;
    this.#pace = pace;
    this.#network = network;
    this.#onlink = onlink;
    this.#appears = new Deadline(secondsToWait(wait) * 1000);
    this.#wanted = checkTransport(transport);
    this.#choice = new Choice(transport);
    this.#ledger = new Ledger(after);
    if (signal?.aborted) this.close(signal.reason);
    signal?.addEventListener("abort", () => this.close(signal.reason), { signal: this.#life.signal });
  }

  [Symbol.asyncIterator]() {
    return this;
  }

  next() {
    return this.#records.next();
  }

  return(value) {
    this.close();
    return this.#records.return(value);
  }

  /** The cursor after the last record yielded, as `after` takes it: "17", or "2.17". */
  get cursor() {
    return this.#ledger.cursor;
  }

  /**
   * The transport asked for: a name, or "auto". Setting another one closes the connection and
   * continues from the cursor on the new transport.
   */
  get transport() {
    return this.#wanted;
  }

  set transport(name) {
    if (checkTransport(name) === this.#wanted) return;
    this.#wanted = name;
    this.#choice = new Choice(name);
    this.#link.abort(SWITCHED);
  }

  /** Stop reading: close the connection. A pending `next()` rejects with the reason. */
  close(reason = new DOMException("The reader was closed.", "AbortError")) {
    this.#life.abort(reason);
    this.#link.abort(reason);
  }

  async *#read() {
    try {
      for (;;) {
        const link = this.#renewLink();
        try {
          yield* this.#connection(link);
          return;
        } catch (error) {
          const cause = link.signal.aborted ? link.signal.reason : error;
          if (cause === SWITCHED) continue;
          if (this.#mayAppear(cause)) await this.#waitForStream(cause);
          else if (cause instanceof ConnectionLost) await this.#recover(cause);
          else throw cause;
        }
      }
    } finally {
      this.close();
    }
  }

  /**
   * Yield the records of one connection up to the stream's end.
   * @throws {ConnectionLost} if the connection closes before the end
   */
  async *#connection(link) {
    const transport = this.#choice.name;
    const { connect, silence } = transports[transport];
    this.#onlink({ state: "connecting", transport });
    const batches = connect({
      url: this.#url,
      after: this.#ledger.cursor,
      pace: this.#pace,
      network: this.#network,
      signal: link.signal,
    });
    // A WebSocket opens before the server says that there is no stream. While the reader waits for its
    // stream, only a record shows that the connection has come to something.
    let missing = this.#missing;
    const opened = () => missing || this.#onlink({ state: "open", transport });
    let records = 0;
    for await (const batch of watched(batches, link, { silence, opened })) {
      for (const record of batch) {
        // After an abort the rest of the batch is dropped. The next connection delivers it again.
        link.signal.throwIfAborted();
        if (record.retry !== undefined) this.#backoff.base = record.retry;
        const news = this.#ledger.take(record);
        if (!news) continue;
        if (records === 0) this.#choice.worked();
        this.#appears = null;
        if (missing) {
          missing = this.#missing = false;
          opened();
        }
        records += 1;
        this.#backoff.reset();
        if (news.end) {
          yield await this.#ledger.seal(news);
          return;
        }
        yield news;
      }
    }
    throw new ConnectionLost("The connection closed before the stream's end.");
  }

  /** Wait after a failure, unless another transport may be tried without a pause. */
  async #recover(cause) {
    this.#onlink({ state: "lost", transport: this.#choice.name, error: cause });
    if (this.#choice.failed() && cause.retryAfter === 0) return;
    await this.#pause(cause.retryAfter + this.#backoff.next());
  }

  /** Return whether the server refused a stream that doesn't exist yet and may still appear. */
  #mayAppear(cause) {
    return cause instanceof StreamRefused && cause.status === 404 && this.#appears?.passed === false;
  }

  async #waitForStream(cause) {
    this.#missing = true;
    this.#onlink({ state: "waiting", transport: this.#choice.name, error: cause });
    await this.#pause(Math.min(this.#backoff.next(), WAITING_PAUSE, this.#appears.left));
  }

  /** Wait until the browser is online, and then so many milliseconds, unless the transport is changed. */
  async #pause(milliseconds) {
    const { signal } = this.#renewLink();
    try {
      await online(signal);
      await sleep(milliseconds, signal);
    } catch (reason) {
      if (reason !== SWITCHED) throw reason;
    }
  }

  #renewLink() {
    this.#link = new AbortController();
    if (this.#life.signal.aborted) this.#link.abort(this.#life.signal.reason);
    return this.#link;
  }
}

/** Return the seconds that the option `wait` stands for. */
function secondsToWait(wait) {
  const seconds = wait === true ? WAIT : Number(wait);
  if (!(seconds >= 0)) {
    throw new RangeError(`wait is ${JSON.stringify(wait)}. Use true, or a number of seconds.`);
  }
  return seconds;
}

/**
 * Yield the batches of a connection, and abort the connection if it takes too long to open or is
 * silent for longer than `silence` milliseconds.
 */
async function* watched(batches, link, { silence, opened }) {
  let limit = OPENING;
  try {
    for (;;) {
      const lost = new ConnectionLost(`The server sent nothing for ${limit / 1000} s.`);
      const alarm = Number.isFinite(limit) && setTimeout(() => link.abort(lost), limit);
      const { value, done } = await batches.next().finally(() => clearTimeout(alarm));
      if (done) return;
      if (limit === OPENING) opened();
      limit = silence;
      yield value;
    }
  } finally {
    await batches.return();
  }
}
