/** The errors of reading a stream, one class for each way in which a caller should react. */

/**
 * The server refuses the request and would refuse the same request again, so `open()` doesn't retry.
 *
 * The server refuses with an HTTP status from 400 to 499 (except 408, 425 and 429), or by closing a
 * WebSocket with a code from 4400 to 4499 (except 4408, 4425 and 4429).
 *
 *     try {
 *       for await (const record of open("/stream/build")) show(record);
 *     } catch (error) {
 *       if (error instanceof StreamRefused && error.status === 404) showMissing(error.detail);
 *     }
 */
export class StreamRefused extends Error {
  name = "StreamRefused";

  /**
   * @param {number} status the HTTP status; for a WebSocket, the close code minus 4000
   * @param {string} detail the server's explanation
   */
  constructor(status, detail) {
    super(`The server refused the stream (${status}): ${detail}`);
    this.status = status;
    this.detail = detail;
  }
}

/** The number of pieces received, or the SHA-256 of their text, differs from what the end record says. */
export class StreamCorrupt extends Error {
  name = "StreamCorrupt";
}

/**
 * A connection failed or was cut. `open()` handles this error itself: it connects again from its
 * cursor. Only its `onlink` callback sees the error. `stop()` doesn't retry, so it rejects with the error.
 */
export class ConnectionLost extends Error {
  name = "ConnectionLost";

  /**
   * @param {string} message
   * @param {object} [options]
   * @param {number} [options.retryAfter] how long the server asks clients to wait, in milliseconds;
   *   0 if the server doesn't say
   * @param {Error} [options.cause]
   */
  constructor(message, { retryAfter = 0, cause } = {}) {
    super(message, { cause });
    this.retryAfter = retryAfter;
  }
}
