/** The `<stream-clock since="…">` element: the time since a moment. Without `since` the clock is stopped. */

class StreamClock extends HTMLElement {
  #timer = 0;

  connectedCallback() {
    this.#timer = setInterval(() => this.#tick(), 1000);
  }

  disconnectedCallback() {
    clearInterval(this.#timer);
  }

  stop() {
    this.#tick();
    this.removeAttribute("since");
  }

  #tick() {
    const since = this.getAttribute("since");
    if (since === null) return;
    const seconds = Math.max(0, Math.floor((Date.now() - Date.parse(since)) / 1000));
    this.textContent = clock(seconds);
  }
}

function clock(seconds) {
  const hours = Math.floor(seconds / 3600);
  const minutes = Math.floor(seconds / 60) % 60;
  const parts = hours ? [hours, pad(minutes), pad(seconds % 60)] : [minutes, pad(seconds % 60)];
  return parts.join(":");
}

function pad(number) {
  return String(number).padStart(2, "0");
}

customElements.define("stream-clock", StreamClock);
