/** The chat's endpoints, except those that send an answer: the list, a conversation, stop and delete. */

/** An answer of the server that is not what was asked for. `status` is 0 if no answer came. */
export class Refusal extends Error {
  constructor(status, detail = "", { after = null } = {}) {
    super(detail || `status ${status}`);
    this.status = status;
    this.detail = detail;
    /** Seconds after which the same request may succeed, or null. */
    this.after = after;
  }

  /** @param {Response} response */
  static async of(response) {
    let detail = "";
    try {
      ({ detail = "" } = await response.json());
    } catch {
      /* Not from the chat: a proxy's page, for example. */
    }
    const after = Number(response.headers.get("Retry-After")) || null;
    return new Refusal(response.status, String(detail), { after });
  }
}

/** Fetch, in the language of the page. Throws a Refusal. */
export async function request(url, options = {}) {
  const headers = { "Accept-Language": document.documentElement.lang, ...options.headers };
  let response;
  try {
    response = await fetch(url, { cache: "no-store", ...options, headers });
  } catch (error) {
    if (options.signal?.aborted) throw error;
    throw new Refusal(0);
  }
  if (!response.ok) throw await Refusal.of(response);
  return response;
}

/** The chat below an address such as "/chat/". */
export class Chat {
  constructor(base) {
    this.base = base;
  }

  async list() {
    return (await this.#json("conversations")).conversations;
  }

  read(key) {
    return this.#json(`conversations/${encodeURIComponent(key)}`);
  }

  async remove(key) {
    await request(`${this.base}conversations/${encodeURIComponent(key)}`, { method: "DELETE" });
  }

  /** Stop the answer that is being written. Return false if there is none. */
  async stop(key) {
    return (await this.#json(`api/${encodeURIComponent(key)}/stop`, { method: "POST" })).stopped;
  }

  async #json(path, options) {
    return (await request(this.base + path, options)).json();
  }
}

/** Return a new id. `crypto.randomUUID` is missing on pages that neither TLS nor localhost protects. */
export function newKey() {
  return Array.from(crypto.getRandomValues(new Uint8Array(12)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
