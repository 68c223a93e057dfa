/** The lab's endpoints: start a run, look at it, break it. */

const RUNS = "/lab/runs/";

/** The server refuses, and says why in `detail`. */
export class Refused extends Error {
  constructor(status, detail) {
    super(detail);
    this.status = status;
    this.detail = detail;
  }
}

export class Runs {
  #network;

  /** @param {import("./network.js").Network} network */
  constructor(network) {
    this.#network = network;
  }

  /** Return the server's time, in milliseconds since 1970. */
  async clock() {
    return (await this.#ask("GET", "clock")).now;
  }

  /** Return what the server offers, and in `run` the id of this visitor's run, if there is one. */
  greet() {
    return this.#ask("GET", "");
  }

  /** Start a run. The visitor's former run is removed. */
  start(options) {
    return this.#ask("POST", "", options);
  }

  /** Return a run, with its pieces from number `after` on. */
  look(id, after = 0) {
    return this.#ask("GET", `${id}?after=${after}`);
  }

  /** Break a run. */
  harm(id, fault, options = {}) {
    return this.#ask("POST", `${id}/faults`, { fault, ...options });
  }

  /** Remove a run. The request outlives the page. */
  remove(id) {
    const headers = { "X-CSRFToken": csrfToken() };
    // Without an answer, the server removes the run later by itself.
    fetch(RUNS + id, { method: "DELETE", headers, keepalive: true }).catch(() => {});
  }

  async #ask(method, path, body) {
    const headers = { Accept: "application/json" };
    if (body) {
      headers["Content-Type"] = "application/json";
      headers["X-CSRFToken"] = csrfToken();
    }
    const response = await this.#network.fetch(RUNS + path, {
      method,
      headers,
      body: body && JSON.stringify(body),
      cache: "no-store",
    });
    const answer = await response.json();
    if (!response.ok) throw new Refused(response.status, answer.detail ?? response.statusText);
    return answer;
  }
}

function csrfToken() {
  return document.querySelector('meta[name="csrf-token"]').content;
}

/** Return the address under which a panel reads a run. */
export function addressOf(run, { panel, source, path = "direct" }) {
  return run.address.replace("{panel}", panel).replace("{source}", source).replace("{path}", path);
}
