/** The `<stream-lab>` element: the lab's page. It starts races, breaks them, and shows how they stand. */

import { fillFigures } from "../numbers.js";
import { csvOf, jsonOf, save } from "./downloads.js";
import { stateOf } from "./links.js";
import { Network } from "./network.js";
import { OTHER_TABS } from "./other-tabs.js";
import { drawEvents, drawOutcomes } from "./outcomes-view.js";
import "./panel.js";
import { PlotView } from "./plot-view.js";
import { PATHS, Race } from "./race.js";
import { Refused, Runs } from "./runs.js";
import { Tour } from "./tour.js";

/** The time between two drawings of the figures, in milliseconds. */
const DRAWING = 100;
/** How long after the first piece the fault of a link comes, in milliseconds. */
const PLANNED = 2000;
/** The most characters of a run: a longer one is made shorter. */
const MOST = 400_000;
/** A small window, so that the race can be seen beside the tab that stops it. */
const POPUP = "popup,width=460,height=460";

class StreamLab extends HTMLElement {
  #network = new Network();
  #runs = new Runs(this.#network);
  /** @type {Race | null} */
  #race = null;
  /** The outcomes of earlier races on this page. */
  #outcomes = [];
  #planned = null;
  #frame = 0;
  #drawnAt = 0;
  #plot = null;

  connectedCallback() {
    this.#plot = new PlotView(this.querySelector(".lab-plot"), (fault) => this.word(`fault-${fault}`));
    this.addEventListener("submit", (event) => {
      event.preventDefault();
      this.start();
    });
    this.addEventListener("change", ({ target }) => this.#chosen(target));
    this.addEventListener("input", ({ target }) => {
      if (target.name === "rate") this.querySelector("output").textContent = target.value;
    });
    this.addEventListener("click", ({ target }) => this.#clicked(target.closest("button")));
    addEventListener("pagehide", () => this.#leave());
    OTHER_TABS.addEventListener("message", ({ data }) => this.#stoppedElsewhere(data));
    new Tour(this.querySelector(".tour"), this);
    this.open(stateOf(location.search, this.#faults));
    this.#greet();
  }

  get panels() {
    return [...this.querySelectorAll("lab-panel")];
  }

  word(name) {
    return this.querySelector(`template[data-word="${name}"]`).content.textContent;
  }

  /** Put the lab into a state: see `stateOf()`. */
  open({ source, fault, panel, ...options }) {
    const form = this.querySelector(".bench");
    for (const [name, value] of Object.entries(options)) {
      const field = form.elements[name];
      if (field) field.value = value;
    }
    form.querySelector("output").textContent = form.elements.rate.value;
    if (source) this.#readFrom(source);
    this.#planned = fault ? { fault, panel } : null;
    this.#plan();
  }

  /** Start a race. */
  async start() {
    this.#keep();
    this.#race?.leave();
    this.#complain("");
    const race = new Race(this.#runs, this.#network, this.panels);
    this.#race = race;
    race.addEventListener("change", () => this.#schedule());
    race.addEventListener("over", () => {
      this.#draw(performance.now()); // Whoever sees that the race is over sees its last figures, too.
      this.#enter("over");
    });
    this.#enter("starting");
    this.#press("direct");
    try {
      await race.start(this.#options());
    } catch (error) {
      if (race !== this.#race) return;
      this.#enter("idle");
      this.#refused(error);
      return;
    }
    if (race !== this.#race) return;
    this.#enter("running");
    this.#showClock(race.clock);
    if (this.#planned) this.#harmLater(race, this.#planned);
    this.#planned = null;
    this.#plan();
    this.#schedule();
  }

  /** End the race with the page, which the browser may show again from its back/forward cache. */
  #leave() {
    this.#keep();
    this.#race?.remove();
    this.#race = null;
    this.#enter("idle");
  }

  /** Break a race some time after its first piece. */
  #harmLater(race, { fault, panel }) {
    const wait = () => {
      if (race.writtenAt.length === 0) return;
      race.removeEventListener("change", wait);
      const due = race.writtenAt[0] - race.clock.offset + PLANNED;
      setTimeout(() => race === this.#race && this.harm(fault, { panel }), due - performance.now());
    };
    race.addEventListener("change", wait);
  }

  /** Break the race. */
  async harm(fault, { panel } = {}) {
    const race = this.#race;
    if (!race?.run || race.over) return;
    this.#complain("");
    const button = this.querySelector(`.fault-bar [data-fault="${fault}"]`);
    if (fault === "stop") {
      if (!window.open(button.dataset.page, "lab-stop", POPUP)) this.#complain(this.word("blocked"));
      return;
    }
    const seconds = button?.dataset.seconds ? Number(button.dataset.seconds) : undefined;
    // The button of the path in use leads back to the direct path.
    const wanted = race.path === fault ? "direct" : fault;
    if (PATHS.includes(fault)) this.#press(wanted);
    const everything = fault === "cut" && !panel ? "cut-all" : wanted;
    try {
      await race.harm(everything, { panel, seconds });
    } catch (error) {
      if (race === this.#race) this.#refused(error);
    }
  }

  /** Another tab stops a run, or was refused. */
  #stoppedElsewhere({ run, refused }) {
    const race = this.#race;
    if (race?.run?.id !== run || race.over) return;
    if (refused) race.unmark(race.faults.findLast(({ fault }) => fault === "stop"));
    else race.mark("stop");
  }

  get #faults() {
    return [...new Set([...this.querySelectorAll("[data-fault]")].map(({ dataset }) => dataset.fault))];
  }

  #options() {
    const { text, rate, size, seconds } = Object.fromEntries(new FormData(this.querySelector(".bench")));
    const longest = Math.floor(MOST / (rate * size));
    const language = document.documentElement.lang.startsWith("zh") ? "zh-hans" : "en";
    return { text, rate: Number(rate), size: Number(size), seconds: Math.min(Number(seconds), longest), language };
  }

  #chosen({ name, value }) {
    if (name === "source") this.#readFrom(value);
    else if (name?.startsWith("source-")) this.#showSource();
  }

  #readFrom(source) {
    for (const panel of this.panels) panel.source = source;
    this.#showSource();
  }

  /** Show in the switch for all panels which way they read, if they agree. */
  #showSource() {
    const sources = new Set(this.panels.map(({ source }) => source));
    for (const input of this.querySelectorAll('.bench [name="source"]')) {
      input.checked = sources.size === 1 && sources.has(input.value);
    }
  }

  #clicked(button) {
    if (!button || button.ariaDisabled === "true") return;
    const { fault, action } = button.dataset;
    if (fault) this.harm(fault, { panel: button.closest("lab-panel")?.transport });
    else if (action === "csv") save("lab.csv", "text/csv", csvOf(this.panels.map(({ figures }) => figures)));
    else if (action === "json") save("lab.json", "application/json", jsonOf(this.#race, this.panels));
  }

  /** Ask what the server offers, and whether this visitor has a run in another tab. */
  async #greet() {
    try {
      const { run, offers } = await this.#runs.greet();
      this.#offer("restart", this.querySelector('[data-fault="restart"]'), offers.faults.restart);
      this.#offer("model", this.querySelector('[value="model"]'), offers.texts.model);
      if (run && !this.#race) this.#say(this.word("elsewhere"));
    } catch (error) {
      this.#refused(error);
    }
  }

  /** Disable a control for which the server has a reason `why`, and show the page's words for it. */
  #offer(name, control, why) {
    // A button with `disabled` would be out of the keyboard's reach.
    if (control.matches("button")) control.ariaDisabled = String(why !== "");
    else control.disabled = why !== "";
    const reason = this.querySelector(`#why-${name}`);
    reason.hidden = why === "";
    if (why) control.setAttribute("aria-describedby", reason.id);
  }

  #plan() {
    const { fault } = this.#planned ?? {};
    const button = fault && (this.querySelector(`.fault-bar [data-fault="${fault}"]`) ?? this.querySelector('[data-fault="cut-all"]'));
    for (const each of this.querySelectorAll("[data-planned]")) delete each.dataset.planned;
    if (!button) return;
    button.dataset.planned = "";
    this.#say(this.word("planned").replace("%s", button.textContent));
  }

  #press(path) {
    for (const name of PATHS) this.querySelector(`[data-fault="${name}"]`).ariaPressed = String(name === path);
  }

  /** Keep the last race's outcomes for the table. */
  #keep() {
    if (this.#race) this.#outcomes.push(...this.#race.outcomes);
  }

  #enter(state) {
    this.setAttribute("state", state);
    this.#say(state === "idle" ? "" : this.word(state));
    this.querySelector(".take").hidden = !this.#race?.run;
    this.#schedule();
  }

  /** Say something that screen readers announce, too. */
  #say(words) {
    this.querySelector('[data-part="said"]').textContent = words;
  }

  #refused(error) {
    this.#complain(error instanceof Refused ? error.detail : this.word("unreachable"));
  }

  #complain(reason) {
    const complaint = this.querySelector('[data-part="complaint"]');
    complaint.hidden = !reason;
    complaint.textContent = reason;
  }

  #showClock({ offset, error }) {
    const part = this.querySelector('[data-part="clock"]');
    part.hidden = false;
    fillFigures(part, { offset: offset - (Date.now() - performance.now()), error });
  }

  /** Draw at the next frame that is due, and again while a panel races. */
  #schedule() {
    if (this.#frame) return;
    this.#frame = requestAnimationFrame((now) => {
      this.#frame = 0;
      const due = now - this.#drawnAt >= DRAWING;
      if (due) this.#draw(now);
      if (!due || this.panels.some(({ racing }) => racing)) this.#schedule();
    });
  }

  #draw(now) {
    this.#drawnAt = now;
    for (const panel of this.panels) panel.draw();
    if (!this.#race?.run) return;
    this.#plot.draw(this.#race, this.panels);
    drawEvents(this, this.#race);
    drawOutcomes(this, [...this.#outcomes, ...this.#race.outcomes]);
  }
}

customElements.define("stream-lab", StreamLab);
