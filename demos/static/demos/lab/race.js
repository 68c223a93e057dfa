/** One race: a run on the server, the panels that read it, the faults, and what the faults did. */

import { sleep } from "../../streams/timing.js";
import { ServerClock } from "./clock.js";
import { Events } from "./events.js";
import { Refused } from "./runs.js";
import { SlowReaders } from "./slow-readers.js";
import { openTabs } from "./tabs.js";

/** How often the page asks how the run stands, in milliseconds. */
const LOOKING = 500;
/** How long a reader may be silent after the producer's end, in milliseconds, before the page gives up. */
const SILENT = 4000;
/** How long the seven tabs stay open, in milliseconds. */
const TABS = 5000;

const GONE = Symbol("the run was removed");

/** The paths that a fault puts between the page and the server. */
export const PATHS = ["nginx", "buffered", "gzip"];

/** Faults of readers beside the panels. */
const BESIDE = ["slow", "tabs"];

export class Race extends EventTarget {
  #runs;
  #panels;
  #stopped = new AbortController();
  /** The fault that is watched, by panel: one of `faults`. */
  #watched = new Map();
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
  #counted = [];
  #events = new Events();
  #slowReaders = new SlowReaders();

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

  /** What the faults did: `{fault, transport, source, lost, repeated, …}`, oldest first. */
  get outcomes() {
    return [...this.#counted, ...this.#slowReaders.all.map((reader) => ({ ...reader, fault: "slow" }))];
  }

  /** What the server says that it did, oldest first. */
  get events() {
    return this.#events.all;
  }

  get elapsed() {
    return performance.now() - this.began;
  }

  /** Start a run, and read it with all panels. */
  async start(options) {
    this.clock = await ServerClock.measure(() => this.#runs.clock());
    // What comes before a plain reader is there is lost to it.
    const listeners = this.#panels.filter(({ source, transport }) => source === "plain" && transport !== "polling").length;
    const run = await this.#runs.start({ ...options, listeners });
    if (this.#stopped.signal.aborted) return;
    this.run = run;
    this.began = performance.now();
    for (const panel of this.#panels) panel.start(this);
    this.#follow();
  }

  /** Leave the race: close everything on the page. The next run replaces this one. */
  leave() {
    this.#stopped.abort(new DOMException("The race was left.", "AbortError"));
    this.network.goOnline();
    for (const panel of this.#panels) if (panel.racing) panel.close("idle");
  }

  /** Leave the race, and remove the run, as the page is closed. */
  remove() {
    this.leave();
    if (this.run) this.#runs.remove(this.run.id);
  }

  /**
   * Break the run.
   * @param {string} fault
   * @param {{ panel?: string, seconds?: number }} [options]
   */
  async harm(fault, options = {}) {
    const marked = this.mark(fault, options.panel);
    try {
      await this.#harm(fault, options);
    } catch (error) {
      // What the server refuses has not happened.
      if (error instanceof Refused) this.unmark(marked);
      throw error;
    }
  }

  async #harm(fault, { panel, seconds }) {
    if (fault === "offline") this.network.goOffline(seconds * 1000);
    else if (fault === "tabs") await this.#openTabs();
    else if (fault === "slow") await this.#slow(seconds);
    else if (PATHS.includes(fault) || fault === "direct") this.#reroute(fault);
    else await this.#cause(fault, { panel, seconds });
  }

  /** Note that a fault comes now, and watch what it does to the panels. Return the note. */
  mark(fault, panel) {
    const marked = { fault, panel, at: this.elapsed };
    if (!BESIDE.includes(fault)) {
      for (const harmed of this.#panels.filter(({ transport }) => !panel || transport === panel)) {
        this.#closeWatch(harmed);
        this.#watched.set(harmed, marked);
        harmed.watch();
      }
    }
    this.faults.push(marked);
    this.#changed();
    return marked;
  }

  /** Forget the note of a fault that did not happen. */
  unmark(marked) {
    this.faults = this.faults.filter((each) => each !== marked);
    for (const panel of this.#panels) {
      if (this.#watched.get(panel) === marked) panel.outcome();
    }
    this.#changed();
  }

  async #cause(fault, options) {
    const event = await this.#runs.harm(this.run.id, fault, options);
    // A process that restarts may be asked no more how the run stands.
    this.#events.take([event]);
  }

  #reroute(path) {
    this.path = path;
    for (const panel of this.#panels) if (panel.racing) panel.reopen();
  }

  async #slow(seconds) {
    for (const { transport, source } of this.#panels) {
      // Between two requests of polling there is nothing to hold.
      if (transport === "polling") continue;
      await this.#cause("slow", { transport, source, seconds });
    }
  }

  async #openTabs() {
    const open = this.#panels.filter(({ racing, transport }) => racing && ["chunked", "sse"].includes(transport));
    const counts = await openTabs(this.run, this.network, { milliseconds: TABS, signal: this.#stopped.signal });
    this.#counted.push({ fault: "tabs", held_by_panels: open.length, ...counts });
    this.#changed();
  }

  async #follow() {
    const { signal } = this.#stopped;
    try {
      while (!this.over) {
        await sleep(LOOKING, signal);
        const run = await this.#told();
        // The panels may read another run by now.
        signal.throwIfAborted();
        if (run === GONE) this.#giveUp();
        else if (run) this.#take(run);
        this.#closeSilent();
        await this.#verify();
        if (!this.over && this.#ended && this.#panels.every(({ figures }) => figures.verified !== null)) this.#finish();
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  /** Whether nothing more happens on the server. */
  get #ended() {
    const { state, stream } = this.run;
    return stream.state !== "live" && state === "ended" && !this.#slowReaders.reading;
  }

  /** Return how the run stands, GONE if the run was removed, or null without an answer. */
  async #told() {
    try {
      return await this.#runs.look(this.run.id, this.writtenAt.length);
    } catch (error) {
      return error instanceof Refused && error.status === 404 ? GONE : null;
    }
  }

  #take(run) {
    if (run.first === this.writtenAt.length) this.writtenAt.push(...run.pieces.map(([at]) => at));
    this.#events.take(run.events);
    this.#slowReaders.take(run.process, run.slow);
    this.run = run.adopted ? { ...run, ...this.#asInLog(run) } : run;
    if (!run.adopted) this.knownUntil = run.now - this.clock.offset - this.began;
    for (const panel of this.#panels) panel.settle(this.writtenAt, this.clock);
    this.#changed();
  }

  /** A process that took over the run knows of the producer only what is in the log. */
  #asInLog({ stream: { pieces, length, sha256 } }) {
    return { options: this.run.options, count: pieces, length, sha256 };
  }

  /** The run was removed: nothing more is known of it. */
  #giveUp() {
    for (const panel of this.#panels) if (panel.racing) panel.close("silent");
    this.#finish();
  }

  /** Give up on readers to which the server will send nothing more. */
  #closeSilent() {
    if (!this.#ended) return;
    for (const panel of this.#panels) {
      if (panel.racing && panel.source === "plain" && panel.silentFor > SILENT) panel.close("silent");
    }
  }

  /** Compare the texts of the panels that have read to an end with what was sent. */
  async #verify() {
    const { state, stream, count, length, sha256, adopted } = this.run;
    const sent = { engine: stream, plain: { pieces: count, length, sha256 } };
    // The engine's hash is known with the end of the stream, the other one with the end of the process.
    const logEnded = stream.state !== "live";
    const known = { engine: logEnded, plain: adopted ? logEnded : state === "ended" };
    for (const panel of this.#panels) {
      if (panel.racing || panel.figures.verified !== null || !known[panel.source]) continue;
      await panel.verify(sent[panel.source]);
      this.#changed();
    }
  }

  #finish() {
    this.over = true;
    for (const panel of this.#panels) panel.settle(this.writtenAt, this.clock);
    for (const panel of this.#panels) this.#closeWatch(panel);
    this.#changed();
    this.dispatchEvent(new Event("over"));
  }

  #closeWatch(panel) {
    const outcome = panel.outcome();
    if (!outcome) return;
    const { fault } = this.#watched.get(panel);
    this.#counted.push({ fault, transport: panel.transport, source: panel.source, ...outcome });
  }

  #changed() {
    this.dispatchEvent(new Event("change"));
  }
}
