/**
 * `<live-streams src notices>`: a list that keeps itself up to date. `notices` says when it has changed;
 * what it holds now is read from `src`, as the same HTML that the page came with.
 */

import "./stream-clock.js";

/** Milliseconds between two readings at least, and at most: for what nobody has announced. */
const SOONEST = 500;
const LATEST = 8000;

class LiveStreams extends HTMLElement {
  #notices = null;
  #timer = 0;
  #readAt = 0;

  connectedCallback() {
    document.addEventListener("visibilitychange", this.#follow);
    // A page that comes back from the browser's cache has missed what happened meanwhile.
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

  /** Listen while somebody looks. */
  #follow = () => {
    if (document.hidden) return this.#rest();
    if (this.#notices) return;
    this.#notices = new EventSource(this.getAttribute("notices"));
    this.#notices.addEventListener("changed", () => this.#schedule(SOONEST));
    // Whatever was said before it opened went unheard.
    this.#notices.addEventListener("open", () => this.#schedule(SOONEST));
    this.#schedule(LATEST);
  };

  #rest = () => {
    this.#notices?.close();
    this.#notices = null;
    clearTimeout(this.#timer);
  };

  /** Read again when this long has passed since the last time. */
  #schedule(pause) {
    clearTimeout(this.#timer);
    // Jittered: an announcement reaches all pages at once.
    const due = this.#readAt + pause - Date.now();
    this.#timer = setTimeout(() => this.#read(), Math.max(0, due) + Math.random() * SOONEST);
  }

  async #read() {
    this.#readAt = Date.now();
    try {
      const response = await fetch(this.getAttribute("src"), { cache: "no-store" });
      if (response.ok) this.#show(await response.text());
    } catch {
      /* The network is away: the next reading may fare better. */
    }
    // Answered by anything but events, as by a proxy meanwhile, it is closed for good.
    if (this.#notices?.readyState === EventSource.CLOSED) {
      this.#rest();
      this.#follow();
    } else if (this.#notices) {
      this.#schedule(LATEST);
    }
  }

  #show(html) {
    const fresh = new DOMParser().parseFromString(html, "text/html").body;
    const focused = this.querySelector("[data-key]:has(> * > :focus)")?.dataset.key;
    renewChildren(this, fresh);
    // A row that has gone to the other list is another element there.
    if (focused && !this.contains(document.activeElement)) {
      this.querySelector(`[data-key="${focused}"] a`)?.focus({ preventScroll: true });
    }
  }
}

/**
 * Make an element like a fresh one with as few changes as can be, so that nothing flickers, and what is
 * focused or selected stays. An element here holds either text or elements.
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

/** An element's children by their `data-key`, or their number among those of one kind. */
function byKey(element) {
  const numbers = {};
  return new Map(Array.from(element.children, (child) => {
    const kind = child.localName;
    numbers[kind] = (numbers[kind] ?? 0) + 1;
    return [child.dataset.key ?? `${kind} ${numbers[kind]}`, child];
  }));
}

customElements.define("live-streams", LiveStreams);
