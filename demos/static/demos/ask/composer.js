/** The field for a question, with its buttons. A site without a model has neither. */

const MOST_ROWS = 8;

export class Composer {
  #field;
  #send;
  #stop;

  /** @param {HTMLElement} page contains the form */
  constructor(page) {
    this.#field = page.querySelector("textarea");
    this.#send = page.querySelector('[data-action="send"]');
    this.#stop = page.querySelector('.composer [data-action="stop"]');
    this.#field?.addEventListener("input", () => this.#fit());
  }

  get text() {
    return this.#field?.value.trim() ?? "";
  }

  set text(text) {
    if (!this.#field) return;
    this.#field.value = text;
    this.#fit();
  }

  focus() {
    this.#field?.focus({ preventScroll: true });
  }

  /** Return whether an element is the field. */
  isField(element) {
    return element === this.#field;
  }

  /** Show the button of a state. */
  become(state) {
    if (!this.#field) return;
    const idle = state === "idle";
    const focused = [this.#send, this.#stop].includes(document.activeElement);
    this.#send.hidden = !idle;
    this.#stop.hidden = idle;
    this.#stop.ariaDisabled = String(state === "stopping");
    if (focused) (idle ? this.#field : this.#stop).focus({ preventScroll: true });
  }

  /** Make the field as high as its text. */
  #fit() {
    this.#field.rows = Math.min(MOST_ROWS, Math.max(1, this.#field.value.split("\n").length));
  }
}
