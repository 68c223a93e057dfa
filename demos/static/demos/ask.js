/**
 * The `<chat-page src="/chat/">` element: conversations with a model, whose answers resume and stop.
 *
 * The server has the conversations, and writes an answer whether somebody reads it or not. The page shows
 * what the server has: it resumes an answer after a reload and after a drop.
 */

import { Answer } from "./ask/answer.js";
import { Chat, newKey, Refusal } from "./ask/api.js";
import { complain } from "./ask/complaint.js";
import { addressOf, ConversationList, keyInAddress } from "./ask/conversations.js";
import { AnswerView, questionView, Templates } from "./ask/message-view.js";
import * as sse from "./ask/sse.js";
import * as websocket from "./ask/websocket.js";
import { Recording } from "./recording.js";
import "./wire-view.js";

const TRANSPORTS = { sse, websocket };
/** Milliseconds until the page connects again, for each attempt in a row. */
const PAUSES = [300, 1000, 2000, 4000];
/** How much of a finished answer a screen reader is told, in characters. */
const MOST_SAID = 2000;
const WIDE = matchMedia("(width > 60rem)");

class ChatPage extends HTMLElement {
  /** The id of the conversation that is shown, or "" for a new one. */
  #key = "";
  /** @type {AbortController | null} ends the reading of the current answer; null while none is read */
  #run = null;
  /** @type {AnswerView | null} the newest answer */
  #newest = null;
  /** @type {{ id: string, role: string, parts: object[] } | null} the newest question */
  #asked = null;

  connectedCallback() {
    this.chat = new Chat(this.getAttribute("src"));
    this.templates = new Templates(this);
    this.list = new ConversationList(this, this.chat, this.templates);
    this.log = this.querySelector(".log-box");
    this.field = this.querySelector("textarea");
    this.tabs = new BroadcastChannel("streamsite-chat");
    this.tabs.onmessage = ({ data: key }) => this.#refresh(key);
    this.addEventListener("click", (event) => this.#click(event));
    this.addEventListener("keydown", (event) => this.#press(event));
    this.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#send();
    });
    this.addEventListener("change", ({ target }) => {
      if (target.name === "transport") this.#showTransport(target.value);
    });
    this.field?.addEventListener("input", () => this.#fit());
    addEventListener("popstate", () => this.#open(keyInAddress()));
    document.addEventListener("visibilitychange", () => {
      if (!document.hidden) this.#refresh(this.#key);
    });
    WIDE.addEventListener("change", () => this.#unfold());
    this.#unfold();
    this.#showTransport(this.querySelector('[name="transport"]:checked').value);
    this.list.refresh();
    this.#open(keyInAddress());
    if (WIDE.matches) this.field?.focus({ preventScroll: true });
  }

  #unfold() {
    this.querySelector(".conversations").open = WIDE.matches;
  }

  // What the reader does.

  #click(event) {
    const action = event.target.closest("[data-action]");
    if (action?.tagName === "A") {
      // A link with a modifier opens another tab, as ever.
      if (event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
      event.preventDefault();
      this.#go(action.dataset.key ?? "");
      return;
    }
    switch (action?.dataset.action) {
      case "suggest": return this.#suggest(action.textContent);
      case "stop": return this.#stop();
      case "retry": return this.#retry();
      case "delete": return this.list.askToDelete(action.dataset.key);
      case "delete-now": return this.#delete(action.dataset.key);
      case "copy": return this.#copy(action, this.#viewOf(action).text);
      case "copy-code": return this.#copy(action, action.closest(".code").querySelector("pre").textContent);
    }
  }

  #press(event) {
    if (event.key === "Escape" && this.#run && !this.querySelector("dialog[open]")) {
      event.preventDefault();
      this.#stop();
    }
    // While an input method is composing, Enter chooses a word.
    const enter = event.key === "Enter" && !event.shiftKey && !event.isComposing;
    if (enter && event.target === this.field) {
      event.preventDefault();
      this.#send();
    }
  }

  #suggest(text) {
    if (!this.field) return;
    this.field.value = text;
    this.#send();
  }

  #send() {
    const text = this.field.value.trim();
    if (!text || this.#run) return;
    const fresh = !this.#key;
    if (fresh) this.#show(newKey());
    const message = { id: newKey(), role: "user", parts: [{ type: "text", text }] };
    this.#append(questionView(this.templates, message));
    this.#asked = message;
    this.field.value = "";
    this.#fit();
    this.log.scrollTop = this.log.scrollHeight;
    this.field.focus({ preventScroll: true });
    const body = { id: this.#key, messages: [message], trigger: "submit-message" };
    this.#follow((transport, options) => transport.ask(this.chat, body, options), { text, fresh });
  }

  #retry() {
    if (this.#run || !this.#asked) return;
    const messageId = this.#newest?.message.id || undefined;
    this.#newest?.element.remove();
    this.field.focus({ preventScroll: true });
    const body = { id: this.#key, messages: [this.#asked], trigger: "regenerate-message", messageId };
    this.#follow((transport, options) => transport.ask(this.chat, body, options));
  }

  async #stop() {
    if (!this.#run) return;
    this.#become("stopping");
    try {
      await this.chat.stop(this.#key);
    } catch (error) {
      this.#complain(error);
    }
  }

  async #delete(key) {
    this.querySelector("dialog").close();
    try {
      await this.chat.remove(key);
    } catch (error) {
      if (error.status !== 404) return this.#complain(error);
    }
    if (key === this.#key) this.#go("");
    this.tabs.postMessage(key);
    await this.list.refresh();
    this.querySelector('.conversations [data-action="new"]').focus();
    return undefined;
  }

  async #copy(button, text) {
    await navigator.clipboard.writeText(text);
    const words = button.textContent;
    button.textContent = this.templates.word("copied");
    this.#say(this.templates.word("copied"));
    setTimeout(() => {
      button.textContent = words;
    }, 1500);
  }

  #go(key) {
    const folded = this.querySelector(".conversations");
    if (!WIDE.matches) folded.open = false;
    history.pushState(null, "", addressOf(key));
    this.#open(key);
    this.field?.focus({ preventScroll: true });
  }

  // Conversations.

  /** Show another conversation's address and place in the list. */
  #show(key) {
    this.#key = key;
    if (keyInAddress() !== key) history.replaceState(null, "", addressOf(key));
    this.list.mark(this.#key);
  }

  async #open(key) {
    this.#run?.abort();
    this.#run = null;
    this.#key = key;
    this.list.mark(this.#key);
    this.#complain(null);
    this.#clear();
    this.#become("idle");
    if (key) await this.#load(key);
  }

  /** Show what the server has of a conversation, and follow the answer that is being written. */
  async #load(key) {
    let found;
    try {
      found = await this.chat.read(key);
    } catch (error) {
      if (key === this.#key && !this.#run) this.#complain(error);
      return;
    }
    if (key !== this.#key || this.#run) return;
    this.#clear();
    for (const message of found.messages) this.#append(this.#viewFor(message, found.ends[message.id]));
    this.log.scrollTop = this.log.scrollHeight;
    if (found.live) this.#follow((transport, options) => transport.resume(this.chat, key, options));
  }

  #viewFor(message, end) {
    if (message.role === "user") {
      this.#asked = message;
      return questionView(this.templates, message);
    }
    const view = this.#newAnswer();
    view.finish(message, end);
    return view.element;
  }

  /** Read again what another tab has changed. */
  async #refresh(key) {
    await this.list.refresh();
    if (key && key === this.#key && !this.#run) await this.#load(key);
  }

  // An answer.

  /** Read an answer to its end, over as many connections as that takes. */
  async #follow(begin, question = null) {
    const run = new AbortController();
    const key = this.#key;
    this.#run?.abort();
    this.#run = run;
    this.#complain(null);
    this.#become("asking");
    const view = this.#newAnswer();
    this.#append(view.element);
    this.log.scrollTop = this.log.scrollHeight;
    view.draw();
    for (let attempt = 0; ; attempt++) {
      const before = view.message;
      try {
        const answer = await this.#read(begin, view, run);
        if (run.signal.aborted) return;
        this.#run = null;
        this.#become("idle");
        if (answer) this.#finished(view, answer);
        else await this.#load(key); // The answer has ended in the meantime.
        this.#changed();
        return;
      } catch (error) {
        if (run.signal.aborted) return;
        const begun = view.message.parts.length > 0 || view.message.id !== "";
        const lost = !(error instanceof Refusal) || error.status === 0 || error.status >= 500;
        if (!begun || !lost) {
          this.#run = null;
          this.#become("idle");
          await this.#refused(error, view, question);
          return;
        }
        if (view.message !== before) attempt = 0;
      }
      this.#become("reconnecting");
      await new Promise((resolve) => {
        setTimeout(resolve, PAUSES[Math.min(attempt, PAUSES.length - 1)]);
      });
      if (run.signal.aborted) return;
      begin = (transport, options) => transport.resume(this.chat, key, options);
    }
  }

  /** Read an answer over one connection. Return the complete answer, or null if there was none. */
  async #read(begin, view, run) {
    const wire = new Recording();
    this.querySelector("wire-view").follow(wire);
    const parts = begin(TRANSPORTS[this.#transport], { signal: run.signal, wire });
    const answer = new Answer();
    try {
      for (;;) {
        const { done, value } = await parts.next();
        if (run.signal.aborted) return null;
        if (done) return value ? answer : null;
        answer.add(value);
        if (value.type === "start") this.#begun();
        view.update(answer.message);
      }
    } finally {
      wire.finish();
    }
  }

  #begun() {
    if (this.getAttribute("state") !== "stopping") this.#become("answering");
    if (this.list.has(this.#key)) return;
    this.list.refresh();
    this.tabs.postMessage(this.#key);
  }

  #finished(view, answer) {
    view.finish(answer.message, answer.end);
    const word = { error: "failed", abort: "stopped" }[answer.end?.type] ?? "finished";
    const text = answer.end?.type === "error" ? answer.end.errorText : view.body.innerText.slice(0, MOST_SAID);
    this.#say(`${this.templates.word(word)} ${text}`);
  }

  /** Tell why there is no answer, and give the question back. */
  async #refused(error, view, question) {
    view.element.remove();
    if (question) {
      this.#asked = null;
      if (!this.field.value) this.field.value = question.text;
      this.#fit();
    }
    if (question?.fresh) {
      this.#show("");
      this.#clear();
    } else {
      await this.#load(this.#key);
    }
    this.#complain(error);
  }

  /** Tell the list, and the other tabs, that the conversation has changed. */
  #changed() {
    this.list.refresh();
    this.tabs.postMessage(this.#key);
  }

  // What the page shows.

  get #transport() {
    return this.querySelector('[name="transport"]:checked').value;
  }

  #showTransport(name) {
    const box = this.querySelector(".chat-box");
    box.setAttribute("transport", name);
    const address = { sse: `POST ${this.chat.base}api`, websocket: `${this.chat.base}ws` }[name];
    this.querySelector("wire-view .title code").textContent = address;
  }

  #clear() {
    this.querySelector(".messages").replaceChildren();
    this.#newest = null;
    this.#asked = null;
  }

  #append(element) {
    this.querySelector(".messages").append(element);
  }

  #newAnswer() {
    const view = new AnswerView(this.templates, this.log);
    views.set(view.element, view);
    this.#newest = view;
    return view;
  }

  #viewOf(element) {
    return views.get(element.closest('[data-view="answer"]'));
  }

  /** Enter a state, in which other buttons are shown. */
  #become(state) {
    this.setAttribute("state", state);
    const idle = state === "idle";
    this.querySelector(".messages").ariaBusy = String(!idle);
    const send = this.querySelector('[data-action="send"]');
    const stop = this.querySelector('.composer [data-action="stop"]');
    if (!send) return;
    const focused = [send, stop].includes(document.activeElement);
    send.hidden = !idle;
    stop.hidden = idle;
    stop.ariaDisabled = String(state === "stopping");
    if (focused) (idle ? this.field : stop).focus({ preventScroll: true });
    const words = { asking: "waiting", answering: "answering", stopping: "stopping", reconnecting: "reconnecting" }[state];
    const status = this.querySelector(".chat-state");
    status.textContent = words ? this.templates.word(words) : "";
    if (state === "asking" || state === "reconnecting") this.#say(status.textContent);
  }

  /** Show what went wrong, or nothing for null. */
  #complain(error) {
    complain(this.querySelector(".complaint"), this.templates, error);
  }

  #say(text) {
    this.querySelector(".said").textContent = text;
  }

  /** Make the field as high as its text. */
  #fit() {
    this.field.rows = Math.min(8, Math.max(1, this.field.value.split("\n").length));
  }
}

/** @type {WeakMap<Element, AnswerView>} */
const views = new WeakMap();

customElements.define("chat-page", ChatPage);
