/** The views of one message: a question, or an answer that grows. */

import { followingTail } from "../tail.js";
import { textOf } from "./answer.js";
import { belowTitle, Markdown } from "./markdown.js";
import { show } from "./markdown-view.js";

/** Copies the templates of the page, and gives its words. */
export class Templates {
  constructor(root) {
    this.root = root;
  }

  element(name) {
    return this.root.querySelector(`template[data-element="${name}"]`).content.firstElementChild.cloneNode(true);
  }

  word(name) {
    return this.root.querySelector(`template[data-word="${name}"]`).content.textContent.trim();
  }
}

/** Return the element of a question. */
export function questionView(templates, message) {
  const element = templates.element("question");
  element.querySelector(".body").textContent = textOf(message);
  return element;
}

/** An answer: its parts below one another, a note on its end, and its buttons. */
export class AnswerView {
  message = { id: "", role: "assistant", parts: [] };
  #texts = new WeakMap();
  #frame = 0;
  #end = null;

  /** @param {HTMLElement} box the box that scrolls, which stays at its end while the reader is there */
  constructor(templates, box) {
    this.templates = templates;
    this.box = box;
    this.element = templates.element("answer");
    this.element.dataset.view = "answer";
    this.body = this.element.querySelector(".body");
  }

  get text() {
    return textOf(this.message);
  }

  /** Show this message, at the next moment at which the browser draws. */
  update(message) {
    this.message = message;
    this.#frame ||= requestAnimationFrame(() => this.draw());
  }

  /** Show that nothing more comes. `end` is a part: `finish`, `abort` or `error`. */
  finish(message, end) {
    this.message = message;
    this.#end = end ?? { type: "finish" };
    this.draw();
  }

  draw() {
    cancelAnimationFrame(this.#frame);
    this.#frame = 0;
    followingTail(this.box, () => {
      this.message.parts.filter(({ type }) => type !== "step-start").forEach((part, place) => this.#drawPart(part, place));
      this.element.toggleAttribute("data-live", this.#end === null);
      this.#drawEnd();
    });
  }

  #drawEnd() {
    const end = this.#end;
    const note = this.element.querySelector(".end");
    note.hidden = !end || end.type === "finish";
    note.dataset.end = end?.type ?? "";
    if (end?.type === "error") note.textContent = end.errorText || this.templates.word("failed");
    else if (end?.type === "abort") note.textContent = this.templates.word("stopped");
    this.element.querySelector(".tools").hidden = !end;
    this.element.querySelector('[data-action="copy"]').hidden = !this.text || !navigator.clipboard;
  }

  #drawPart(part, place) {
    const kind = part.type.startsWith("tool-") || part.type === "dynamic-tool" ? "tool" : part.type;
    const draw = { text: drawText, reasoning: drawReasoning, tool: drawTool, "source-url": drawSource }[kind] ?? drawNothing;
    let element = this.body.children[place];
    if (element?.dataset.kind !== kind) {
      const fresh = this.#make(kind);
      fresh.dataset.kind = kind;
      if (element) element.replaceWith(fresh);
      else this.body.append(fresh);
      element = fresh;
    }
    draw(this, element, part);
  }

  #make(kind) {
    if (kind === "reasoning" || kind === "tool") return this.templates.element(kind);
    const element = document.createElement("div");
    // Each part by itself: Chromium doesn't always follow what is added to a `dir="auto"` further up.
    element.dir = "auto";
    if (kind === "text") element.className = "markdown";
    return element;
  }

  /** Parse what is new in a text, and show it. */
  grow(element, text) {
    let markdown = this.#texts.get(element);
    if (!markdown || !text.startsWith(markdown.source)) {
      // An answer that is resumed comes from its beginning. What is shown stays until there is more.
      if (markdown && this.#end === null && markdown.source.startsWith(text)) return;
      markdown = new Markdown();
      this.#texts.set(element, markdown);
    }
    markdown.append(text.slice(markdown.source.length));
    show(element, belowTitle(markdown.blocks), (language) => this.#makeCode(language));
  }

  #makeCode(language) {
    const box = this.templates.element("code");
    box.querySelector(".language").textContent = language;
    box.querySelector("button").hidden = !navigator.clipboard;
    return box;
  }
}

function drawText(view, element, { text }) {
  view.grow(element, text);
}

function drawReasoning(view, element, { text, state }) {
  element.toggleAttribute("data-live", state === "streaming");
  setText(element.querySelector(".thought"), text);
}

function drawTool(view, element, part) {
  const failed = part.state === "output-error" || part.state === "output-denied";
  const state = failed ? "tool-failed" : part.state === "output-available" ? "tool-done" : "tool-running";
  setText(element.querySelector(".name"), part.toolName ?? part.type.replace("tool-", ""));
  setText(element.querySelector(".tool-state"), view.templates.word(state));
  element.dataset.state = state;
  fill(element.querySelector(".input"), part.input);
  fill(element.querySelector(".result"), part.errorText ?? part.output);
}

function drawSource(view, element, { url, title }) {
  view.grow(element, `<${url}> ${title ?? ""}`);
}

function drawNothing() {}

function fill(element, value) {
  element.parentElement.hidden = value === undefined;
  if (value !== undefined) setText(element, typeof value === "string" ? value : JSON.stringify(value));
}

function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}
