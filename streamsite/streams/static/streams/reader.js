/** One reader of one stream: it connects, counts, and connects again, until the end. */

import { Choice } from "./choice.js";
import { ConnectionLost } from "./errors.js";
import { Ledger } from "./ledger.js";
import { Backoff, online, sleep } from "./timing.js";
import { AUTO, checkTransport, transports } from "./transports.js";

/** How long a connection may take to open, in milliseconds. */
const OPENING = 10_000;

const SWITCHED = Symbol("another transport is wanted");

/**
 * @typedef {object} Link how the connection does
 * @property {"connecting" | "open" | "lost"} state
 * @property {string} transport the one in use
 * @property {Error} [error] why it was lost
 */

export class Reader {
  #url;
  #pace;
  #onlink;
  #wanted;
  #choice;
  #ledger;
  #backoff = new Backoff();
  #life = new AbortController();
  /** Interrupts what goes on now: a connection, or the wait for the next one. */
  #link = new AbortController();
  #records = this.#read();

  constructor(url, { transport = AUTO, after = 0, pace, signal, onlink = () => {} } = {}) {
    this.#url = url;
    this.#pace = pace;
    this.#onlink = onlink;
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

  /** How many pieces were handed out, as the text that `after` takes. */
  get cursor() {
    return this.#ledger.cursor;
  }

  /** The transport that was asked for. Another one goes on from the cursor, at once. */
  get transport() {
    return this.#wanted;
  }

  set transport(name) {
    if (checkTransport(name) === this.#wanted) return;
    this.#wanted = name;
    this.#choice = new Choice(name);
    this.#link.abort(SWITCHED);
  }

  /** Give the stream up: the connection is closed, and reading rejects with the reason. */
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
          if (!(cause instanceof ConnectionLost)) throw cause;
          await this.#recover(cause);
        }
      }
    } finally {
      this.close();
    }
  }

  /** Yield the records of one connection, up to the end. Throws ConnectionLost where that doesn't come. */
  async *#connection(link) {
    const transport = this.#choice.name;
    const { connect, silence } = transports[transport];
    this.#onlink({ state: "connecting", transport });
    const batches = connect({
      url: this.#url,
      after: this.#ledger.cursor,
      pace: this.#pace,
      signal: link.signal,
    });
    const opened = () => this.#onlink({ state: "open", transport });
    let records = 0;
    for await (const batch of watched(batches, link, { silence, opened })) {
      for (const record of batch) {
        // What else a connection has brought belongs to nobody once it was interrupted.
        link.signal.throwIfAborted();
        if (record.retry !== undefined) this.#backoff.base = record.retry;
        const news = this.#ledger.take(record);
        if (!news) continue;
        if (records === 0) this.#choice.worked();
        records += 1;
        this.#backoff.reset();
        if (news.end) {
          yield await this.#ledger.seal(news);
          return;
        }
        yield news;
      }
    }
    throw new ConnectionLost("the connection closed before the stream's end");
  }

  /** After a failure: wait, unless another transport may be tried at once. */
  async #recover(cause) {
    this.#onlink({ state: "lost", transport: this.#choice.name, error: cause });
    if (this.#choice.failed() && cause.retryAfter === 0) return;
    const { signal } = this.#renewLink();
    try {
      await online(signal);
      await sleep(cause.retryAfter + this.#backoff.next(), signal);
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

/** The same batches, but a connection that shows nothing for too long is given up for lost. */
async function* watched(batches, link, { silence, opened }) {
  let limit = OPENING;
  try {
    for (;;) {
      const lost = new ConnectionLost(`nothing came for ${limit / 1000} s`);
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
