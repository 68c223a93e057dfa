/**
 * The page's own connections. All of them open here, so that the page can go offline: a real loss of
 * the network would reach the whole browser.
 */

import { NO_CLOSE_FRAME } from "../wire.js";

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
        const { signal } = network.#line;
        // Without a network nobody would answer the close frame, so that the answer is not shown.
        socket.addEventListener("close", (event) => {
          if (signal.aborted && event.isTrusted) event.stopImmediatePropagation();
        });
        signal.addEventListener("abort", () => {
          if (socket.readyState === WebSocket.CLOSED) return;
          socket.dispatchEvent(new CloseEvent("close", { code: NO_CLOSE_FRAME }));
          socket.close();
        });
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
    setTimeout(() => this.dispatchEvent(new CloseEvent("close", { code: NO_CLOSE_FRAME })));
  }

  send() {}

  close() {}
}
