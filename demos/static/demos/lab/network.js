/**
 * The page's own connections. All of them open here, so that the page can go offline: a real loss of
 * the network would reach the whole browser.
 */

/** The code with which the page closes its WebSockets. RFC 6455, 7.4.2, leaves it to applications. */
const GOING_OFFLINE = 4000;
/** The code that a browser reports for a connection that failed or was lost. */
const LOST = 1006;

export class Network {
  /** Aborts when the page goes offline. */
  #line = new AbortController();
  #timer = 0;

  constructor() {
    const network = this;
    /** Closes with the page's line. Without a line it fails, as a WebSocket without network does. */
    this.WebSocket = class {
      constructor(url, protocols) {
        if (network.offline) return new DeadSocket();
        const socket = new WebSocket(url, protocols);
        const hangUp = () => socket.close(GOING_OFFLINE, "offline");
        network.#line.signal.addEventListener("abort", hangUp);
        socket.addEventListener("close", () => network.#line.signal.removeEventListener("abort", hangUp));
        return socket;
      }
    };
    this.EventSource = class extends EventSource {
      constructor(url) {
        network.#check();
        super(url);
        network.#line.signal.addEventListener("abort", () => {
          this.close();
          this.dispatchEvent(new Event("error"));
        });
      }
    };
  }

  get offline() {
    return this.#line.signal.aborted;
  }

  /** Abort all connections, and open no new ones for this many milliseconds. */
  goOffline(milliseconds) {
    clearTimeout(this.#timer);
    this.#line.abort(new TypeError("The page is offline."));
    this.#timer = setTimeout(() => this.goOnline(), milliseconds);
  }

  goOnline() {
    clearTimeout(this.#timer);
    if (this.offline) this.#line = new AbortController();
  }

  /** As the browser's `fetch()`. */
  fetch = async (url, { signal, ...init } = {}) => {
    this.#check();
    const signals = [this.#line.signal, signal].filter(Boolean);
    return await fetch(url, { ...init, signal: AbortSignal.any(signals) });
  };

  #check() {
    if (this.offline) throw new TypeError("The page is offline.");
  }
}

/** A WebSocket that never opens. */
class DeadSocket extends EventTarget {
  readyState = WebSocket.CLOSED;

  constructor() {
    super();
    setTimeout(() => this.dispatchEvent(new CloseEvent("close", { code: LOST })));
  }

  send() {}

  close() {}
}
