/**
 * The `<live-streams src="…" notices="…">` element: a list of streams that updates itself.
 *
 * `notices` is the URL of an event stream that tells when the list has changed. `src` is the URL of the
 * current list, as the same HTML that the page contains.
 */

import "./stream-clock.js";

/** The shortest time between two requests for the list, in milliseconds. */
const SOONEST = 500;
/** The longest time between two requests, in milliseconds, for changes that no notice announces. */
const LATEST = 8000;

class LiveStreams extends HTMLElement {
  #notices = null;
  #timer = 0;
  #readAt = 0;
  /** Whether an answer is awaited, and whether a notice has come meanwhile, which may be newer. */
  #reading = false;
  #outdated = false;

  connectedCallback() {
    document.addEventListener("visibilitychange", this.#follow);
    // A page that the browser restores from its back/forward cache has missed the notices since then.
    addEventListener("pageshow", this.#follow);
    addEventListener("pagehide", this.#rest);
    this.#follow();
  }

  disconnectedCallback() {
    document.removeEventListener("visibilitychange", this.#follow);
    removeEventListener("pageshow", this.#follow);
    removeEventListener("pagehide", this.#rest);
    this.#rest();
  }

  /** Listen for notices while the page is visible. */
  #follow = () => {
    if (document.hidden) return this.#rest();
    if (this.#notices) return;
    this.#notices = new EventSource(this.getAttribute("notices"));
    this.#notices.addEventListener("changed", this.#hear);
    // The list may have changed before the event stream opened.
    this.#notices.addEventListener("open", this.#hear);
    this.#schedule(LATEST);
  };

  #rest = () => {
    this.#notices?.close();
    this.#notices = null;
    clearTimeout(this.#timer);
  };

  #hear = () => {
    if (this.#reading) this.#outdated = true;
    else this.#schedule(SOONEST);
  };

  /** Read the list again when this many milliseconds have passed since the last time. */
  #schedule(pause) {
    clearTimeout(this.#timer);
    // A notice reaches all pages at once. The random delay spreads their requests.
    const due = this.#readAt + pause - Date.now();
    this.#timer = setTimeout(() => this.#read(), Math.max(0, due) + Math.random() * SOONEST);
  }

  async #read() {
    this.#readAt = Date.now();
    this.#reading = true;
    this.#outdated = false;
    try {
      const response = await fetch(this.getAttribute("src"), { cache: "no-store" });
      if (response.ok) this.#show(await response.text());
    } catch {
      /* The network failed. The list is read again later. */
    }
    this.#reading = false;
    // An EventSource closes for good if the response isn't an event stream, for example if a proxy
    // answers while the server restarts. Then a new one is opened.
    if (this.#notices?.readyState === EventSource.CLOSED) {
      this.#rest();
      this.#follow();
    } else if (this.#notices) {
      this.#schedule(this.#outdated ? SOONEST : LATEST);
    }
  }

  #show(html) {
    const fresh = new DOMParser().parseFromString(html, "text/html").body;
    const focused = this.querySelector("[data-key]:has(> * > :focus)")?.dataset.key;
    renewChildren(this, fresh);
    // A stream that has ended has a new row in the other list. The focus moves to that row.
    if (focused && !this.contains(document.activeElement)) {
      this.querySelector(`[data-key="${focused}"] a`)?.focus({ preventScroll: true });
    }
  }
}

/**
 * Make an element equal to a fresh one with as few changes as possible, so that nothing flickers and
 * the focus and the selection stay. Each element contains either text or elements, not both.
 */
function renew(old, fresh) {
  if (old.isEqualNode(fresh)) return;
  for (const { name } of [...old.attributes]) {
    if (!fresh.hasAttribute(name)) old.removeAttribute(name);
  }
  for (const { name, value } of fresh.attributes) old.setAttribute(name, value);
  if (fresh.childElementCount) renewChildren(old, fresh);
  else if (old.textContent !== fresh.textContent) old.textContent = fresh.textContent;
}

function renewChildren(old, fresh) {
  const wanted = byKey(fresh);
  const kept = byKey(old);
  for (const [key, child] of kept) {
    if (!wanted.has(key)) child.remove();
  }
  let place = old.firstElementChild;
  for (const [key, child] of wanted) {
    const same = kept.get(key);
    if (same === place) place = place?.nextElementSibling ?? null;
    else old.insertBefore(same ?? child, place);
    if (same) renew(same, child);
  }
}

/** Return an element's children by their `data-key`, or else by tag name and position among that tag. */
function byKey(element) {
  const numbers = {};
  return new Map(Array.from(element.children, (child) => {
    const kind = child.localName;
    numbers[kind] = (numbers[kind] ?? 0) + 1;
    return [child.dataset.key ?? `${kind} ${numbers[kind]}`, child];
  }));
}

customElements.define("live-streams", LiveStreams);
