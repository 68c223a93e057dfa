/** The tour: six steps, each of which puts the lab into a state and says what to look at. */

export class Tour {
  #element;
  #lab;
  #step = -1;

  /**
   * @param {HTMLElement} element
   * @param {HTMLElement} lab the `<stream-lab>`
   */
  constructor(element, lab) {
    this.#element = element;
    this.#lab = lab;
    element.addEventListener("click", ({ target }) => {
      const action = target.closest("button")?.dataset.tour;
      if (action === "begin") this.show(0, true);
      if (action === "next") this.show(this.#step + 1, true);
      if (action === "back") this.show(this.#step - 1, true);
      if (action === "leave") this.show(-1);
      if (action === "do") this.#act(target.closest("[data-step]"));
    });
    const asked = Number(new URLSearchParams(location.search).get("tour"));
    if (asked) this.show(asked - 1);
  }

  /** Show a step, counted from 0. Any other number ends the tour. */
  show(step, focus = false) {
    const steps = [...this.#element.querySelectorAll("[data-step]")];
    this.#step = step in steps ? step : -1;
    steps.forEach((each, index) => { each.hidden = index !== this.#step; });
    this.#element.toggleAttribute("data-on", this.#step >= 0);
    this.#element.querySelector('[data-tour="back"]').hidden = this.#step <= 0;
    this.#element.querySelector('[data-tour="next"]').hidden = this.#step === steps.length - 1;
    const shown = steps[this.#step];
    const lookAt = shown?.dataset.lookAt;
    for (const each of this.#lab.querySelectorAll("[data-looked-at]")) delete each.dataset.lookedAt;
    if (lookAt) for (const each of this.#lab.querySelectorAll(lookAt)) each.dataset.lookedAt = "";
    if (shown && focus) shown.querySelector("h3").focus();
  }

  /** Do what the step says: start a race in the step's state. Its fault follows by itself. */
  #act({ dataset: { state } }) {
    this.#lab.open(Object.fromEntries(new URLSearchParams(state)));
    this.#lab.start();
  }
}
