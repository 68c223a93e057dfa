/** What can go wrong with a stream, sorted by what a reader should do about it. */

/**
 * The server said no, and would say so again: HTTP 4xx, or a WebSocket closed with 4400 to 4499.
 * `status` is the HTTP status in either case, `detail` the server's own sentence.
 */
export class StreamRefused extends Error {
  name = "StreamRefused";

  constructor(status, detail) {
    super(`The server refused the stream (${status}): ${detail}`);
    this.status = status;
    this.detail = detail;
  }
}

/** What was received isn't what the stream's end says was sent. */
export class StreamCorrupt extends Error {
  name = "StreamCorrupt";
}

/**
 * A connection failed or broke off, so that the next one may fare better.
 * `retryAfter` is how many milliseconds the server asked to be left alone, 0 when it didn't.
 */
export class ConnectionLost extends Error {
  name = "ConnectionLost";

  constructor(message, { retryAfter = 0, cause } = {}) {
    super(message, { cause });
    this.retryAfter = retryAfter;
  }
}
