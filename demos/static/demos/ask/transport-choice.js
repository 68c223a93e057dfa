/** The choice of a transport, and the view of the bytes that go over it. */

import { Recording } from "../recording.js";
import * as sse from "./sse.js";
import * as websocket from "./websocket.js";
import "../wire-view.js";

const TRANSPORTS = { sse, websocket };

export class TransportChoice {
  #box;
  #base;

  /**
   * @param {HTMLElement} box contains the choice and the wire view
   * @param {string} base the address of the chat
   */
  constructor(box, base) {
    this.#box = box;
    this.#base = base;
    box.addEventListener("change", ({ target }) => {
      if (target.name === "transport") this.#show();
    });
    this.#show();
  }

  /** Yield the parts that one connection brings. `begin` takes a transport and its options. */
  async *parts(begin, signal) {
    const wire = new Recording();
    this.#box.querySelector("wire-view").follow(wire);
    try {
      return yield* begin(TRANSPORTS[this.#chosen], { signal, wire });
    } finally {
      wire.finish();
    }
  }

  get #chosen() {
    return this.#box.querySelector('[name="transport"]:checked').value;
  }

  #show() {
    this.#box.setAttribute("transport", this.#chosen);
    const address = { sse: `POST ${this.#base}api`, websocket: `${this.#base}ws` }[this.#chosen];
    this.#box.querySelector("wire-view .title code").textContent = address;
  }
}
