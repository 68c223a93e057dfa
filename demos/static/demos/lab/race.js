/** One race: a run on the server, the panels that read it, the faults, and what the faults did. */

import { sleep } from "../../streams/timing.js";
import { ServerClock } from "./clock.js";
import { Refused } from "./runs.js";
import { openTabs } from "./tabs.js";

/** How often the page asks how the run stands, in milliseconds. */
const LOOKING = 500;
/** How long a reader may be silent after the producer's end, in milliseconds, before the page gives up. */
const SILENT = 4000;
/** How long the seven tabs stay open, in milliseconds. */
const TABS = 8000;

/** The paths that a fault puts between the page and the server. */
export const PATHS = ["nginx", "buffered", "gzip"];

export class Race extends EventTarget {
  #runs;
  #panels;
  #stopped = new AbortController();
  #watched = null;
  run = null;
  clock = null;
  path = "direct";
  /** When the race began, on the page's clock, in milliseconds. */
  began = performance.now();
  over = false;
  /** When the server wrote each piece, on its clock, in milliseconds. */
  writtenAt = [];
  /** Until when this is known, in milliseconds since the start. */
  knownUntil = 0;
  /** The faults so far: `{fault, panel, at}`, with `at` in milliseconds since the start. */
  faults = [];
  /** What they did: `{fault, transport, source, lost, repeated, silence, requests, recovered}`. */
  outcomes = [];

  /**
   * @param {import("./runs.js").Runs} runs
   * @param {import("./network.js").Network} network
   * @param {import("./panel.js").LabPanel[]} panels
   */
  constructor(runs, network, panels) {
    super();
    this.#runs = runs;
    this.network = network;
    this.#panels = panels;
  }

  get elapsed() {
    return performance.now() - this.began;
  }

  /** Start a run, and read it with all panels. */
  async start(options) {
    this.clock = await ServerClock.measure(() => this.#runs.clock());
    this.run = await this.#runs.start(options);
    this.began = performance.now();
    if (this.#stopped.signal.aborted) return;
    for (const panel of this.#panels) panel.start(this);
    this.#follow();
  }

  /** Leave the race: close everything on the page. */
  leave() {
    this.#stopped.abort(new DOMException("The race was left.", "AbortError"));
    this.network.goOnline();
    for (const panel of this.#panels) panel.close();
  }

  /**
   * Break the run.
   * @param {string} fault
   * @param {{ panel?: string, seconds?: number }} [options]
   */
  async harm(fault, { panel, seconds } = {}) {
    this.#closeWatch();
    const at = this.elapsed;
    const harmed = panel ? this.#panels.filter(({ transport }) => transport === panel) : this.#panels;
    this.#watched = { fault, panels: harmed };
    for (const each of harmed) each.watch();
    this.faults.push({ fault, panel, at });
    this.#changed();
    if (fault === "offline") this.network.goOffline(seconds * 1000);
    else if (fault === "tabs") await this.#openTabs();
    else if (fault === "slow") await this.#slow(seconds);
    else if (PATHS.includes(fault) || fault === "direct") this.#reroute(fault);
    else await this.#runs.harm(this.run.id, fault, { panel, seconds });
  }

  #reroute(path) {
    this.path = path;
    for (const panel of this.#panels) if (panel.racing) panel.reopen();
  }

  async #slow(seconds) {
    for (const { transport, source } of this.#panels) {
      await this.#runs.harm(this.run.id, "slow", { transport, source, seconds });
    }
  }

  async #openTabs() {
    const counts = await openTabs(this.run, this.network, { milliseconds: TABS, signal: this.#stopped.signal });
    this.outcomes.push({ fault: "tabs", ...counts });
    this.#changed();
  }

  async #follow() {
    const { signal } = this.#stopped;
    try {
      while (!this.over) {
        await sleep(LOOKING, signal);
        await this.#look().catch((error) => {
          if (error instanceof Refused && error.status === 404) this.#giveUp();
        });
        this.#closeSilent();
        if (this.#panels.every((panel) => !panel.racing)) await this.#finish();
      }
    } catch {
      /* The race was left. */
    }
  }

  async #look() {
    const run = await this.#runs.look(this.run.id, this.writtenAt.length);
    if (run.first === this.writtenAt.length) this.writtenAt.push(...run.pieces.map(([at]) => at));
    this.run = run;
    this.knownUntil = run.now - this.clock.offset - this.began;
    for (const panel of this.#panels) panel.settle(this.writtenAt, this.clock);
    this.#changed();
  }

  /** The run was removed. */
  #giveUp() {
    for (const panel of this.#panels) if (panel.racing) panel.close("silent");
  }

  /** Give up on readers to which the server will send nothing more. */
  #closeSilent() {
    if (this.run.state !== "ended" || this.run.stream.state === "live") return;
    for (const panel of this.#panels) {
      if (panel.racing && panel.source === "plain" && panel.silentFor > SILENT) panel.close("silent");
    }
  }

  async #finish() {
    const { signal } = this.#stopped;
    // The hash of what the producer gave is known once its process has ended.
    while (this.run.state !== "ended" && !this.run.adopted) {
      await sleep(LOOKING, signal);
      await this.#look();
    }
    this.over = true;
    const { stream, count, length, sha256 } = this.run;
    const sent = { engine: stream, plain: { pieces: count, length, sha256 } };
    for (const panel of this.#panels) {
      panel.settle(this.writtenAt, this.clock);
      await panel.verify(sent[panel.source]);
    }
    this.#closeWatch();
    this.#changed();
    this.dispatchEvent(new Event("over"));
  }

  #closeWatch() {
    if (!this.#watched) return;
    const { fault, panels } = this.#watched;
    this.#watched = null;
    for (const panel of panels) {
      const outcome = panel.outcome();
      if (outcome) this.outcomes.push({ fault, transport: panel.transport, source: panel.source, ...outcome });
    }
  }

  #changed() {
    this.dispatchEvent(new Event("change"));
  }
}
