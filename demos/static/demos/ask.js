/**
 * The `<chat-page src="/chat/">` element: conversations with a model, whose answers resume and stop.
 *
 * The server has the conversations, and writes an answer whether somebody reads it or not. The page shows
 * what the server has: it resumes an answer after a reload and after a drop.
 */

import { Chat, newKey } from "./ask/api.js";
import { complain } from "./ask/complaint.js";
import { Composer } from "./ask/composer.js";
import { addressOf, ConversationList, keyInAddress } from "./ask/conversations.js";
import { copy } from "./ask/copying.js";
import { Templates } from "./ask/message-view.js";
import { readAnswer } from "./ask/reading.js";
import { Thread } from "./ask/thread.js";
import { TransportChoice } from "./ask/transport-choice.js";

/** The words for what the page is doing, by its state. */
const STATES = { asking: "waiting", answering: "answering", stopping: "stopping", reconnecting: "reconnecting" };
/** How much of a finished answer a screen reader is told, in characters. */
const MOST_SAID = 2000;
const WIDE = matchMedia("(width > 60rem)");

class ChatPage extends HTMLElement {
  /** The id of the conversation that is shown, or "" for a new one. */
  #key = "";
  /** @type {AbortController | null} ends the reading of the current answer; null while none is read */
  #run = null;
  /** How many answers the page has begun to show. */
  #followed = 0;
  /** @type {Promise<void> | null} is settled when the conversation is shown */
  #opening = null;

  connectedCallback() {
    this.chat = new Chat(this.getAttribute("src"));
    this.templates = new Templates(this);
    this.list = new ConversationList(this, this.chat, this.templates);
    this.thread = new Thread(this.querySelector(".log-box"), this.templates);
    this.composer = new Composer(this);
    this.transport = new TransportChoice(this.querySelector(".chat-box"), this.chat.base);
    this.tabs = new BroadcastChannel("streamsite-chat");
    this.tabs.onmessage = ({ data: key }) => this.#refresh(key);
    this.addEventListener("click", (event) => this.#click(event));
    this.addEventListener("keydown", (event) => this.#press(event));
    this.addEventListener("submit", (event) => {
      if (!event.target.matches(".composer")) return; // The dialog has a form, too.
      event.preventDefault();
      this.#send();
    });
    addEventListener("popstate", () => {
      // A link to a part of the page comes here, too.
      if (keyInAddress() !== this.#key) this.#open(keyInAddress());
    });
    document.addEventListener("visibilitychange", () => {
      if (!document.hidden) this.#refresh(this.#key);
    });
    WIDE.addEventListener("change", () => this.#unfold());
    this.#unfold();
    this.list.refresh();
    this.#open(keyInAddress());
    if (WIDE.matches) this.composer.focus();
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
      case "copy": return this.#copy(action, this.thread.viewOf(action).text);
      case "copy-code": return this.#copy(action, action.closest(".code").querySelector("pre").textContent);
    }
  }

  #press(event) {
    // While an input method is composing, Enter chooses a word and Escape drops it. In Safari only the key code
    // says so.
    if (event.isComposing || event.keyCode === 229) return;
    if (event.key === "Escape" && this.#run && !this.querySelector("dialog[open]")) {
      event.preventDefault();
      this.#stop();
    }
    if (event.key === "Enter" && !event.shiftKey && this.composer.isField(event.target)) {
      event.preventDefault();
      this.#send();
    }
  }

  #suggest(text) {
    this.composer.text = text;
    this.#send();
  }

  async #send() {
    await this.#opening; // A question comes below the messages before it.
    const { text } = this.composer;
    if (!text || this.#run) return;
    const fresh = !this.#key;
    if (fresh) this.#show(newKey());
    const message = { id: newKey(), role: "user", parts: [{ type: "text", text }] };
    this.thread.addQuestion(message);
    this.composer.text = "";
    this.composer.focus();
    const body = { id: this.#key, messages: [message], trigger: "submit-message" };
    this.#follow((transport, options) => transport.ask(this.chat, body, options), { text, fresh });
  }

  #retry() {
    const { asked, newest } = this.thread;
    if (this.#run || !asked) return;
    const messageId = newest?.message.id || undefined;
    newest?.element.remove();
    this.composer.focus();
    const body = { id: this.#key, messages: [asked], trigger: "regenerate-message", messageId };
    this.#follow((transport, options) => transport.ask(this.chat, body, options));
  }

  async #stop() {
    const run = this.#run;
    const state = this.getAttribute("state");
    if (!run || state === "stopping") return;
    this.#become("stopping");
    let stopped = false;
    try {
      stopped = await this.chat.stop(this.#key);
    } catch (error) {
      if (run === this.#run) this.#complain(error);
    }
    // Where nothing was stopped, the answer goes on, and the reader may stop it again.
    if (!stopped && run === this.#run) this.#become(state);
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
    this.#say(await copy(button, text, this.templates));
  }

  #go(key) {
    const folded = this.querySelector(".conversations");
    if (!WIDE.matches) folded.open = false;
    history.pushState(null, "", addressOf(key));
    this.#open(key);
    // On a phone the field brings up the keyboard, which covers the messages.
    if (WIDE.matches || !key) this.composer.focus();
    else this.querySelector(".log-box").focus({ preventScroll: true });
  }

  // Conversations.

  /** Show another conversation's address and place in the list. */
  #show(key) {
    this.#key = key;
    if (keyInAddress() !== key) history.replaceState(null, "", addressOf(key));
    this.list.mark(this.#key);
  }

  #open(key) {
    this.#run?.abort();
    this.#run = null;
    this.#key = key;
    this.list.mark(this.#key);
    this.#complain(null);
    this.thread.clear();
    this.#become("idle");
    this.#opening = key ? this.#load(key) : null;
  }

  /** Show what the server has of a conversation, and follow the answer that is being written. */
  async #load(key) {
    const followed = this.#followed;
    // What the server says of a time before an answer lacks the answer.
    const late = () => key !== this.#key || followed !== this.#followed;
    let found;
    try {
      found = await this.chat.read(key);
    } catch (error) {
      if (!late()) this.#complain(error);
      return;
    }
    if (late()) return;
    this.thread.show(found);
    if (found.live) this.#follow((transport, options) => transport.resume(this.chat, key, options));
  }

  /** Read again what another tab has changed. */
  async #refresh(key) {
    await this.list.refresh();
    if (key && key === this.#key && !this.#run) await this.#load(key);
  }

  // An answer.

  /** Show an answer while it is written. `begin` takes a transport and its options. */
  async #follow(begin, question = null) {
    const run = new AbortController();
    const { signal } = run;
    const key = this.#key;
    this.#run?.abort();
    this.#run = run;
    this.#followed += 1;
    this.#complain(null);
    this.#become("asking");
    const view = this.thread.addAnswer();
    let answer;
    try {
      answer = await readAnswer({
        begin: () => this.transport.parts(begin, signal),
        resume: () => this.transport.parts((each, options) => each.resume(this.chat, key, options), signal),
        signal,
        update: ({ message }, part) => {
          if (part.type === "start") this.#begun();
          view.update(message);
        },
        lost: () => this.#become("reconnecting"),
      });
    } catch (error) {
      if (!signal.aborted) await this.#refused(error, view, question);
      return;
    }
    this.#run = null;
    this.#become("idle");
    if (answer) this.#finished(view, answer);
    else await this.#load(key); // The answer has ended in the meantime.
    this.#changed();
  }

  #begun() {
    if (this.getAttribute("state") !== "stopping") this.#become("answering");
    if (!this.list.has(this.#key)) this.#changed();
  }

  #finished(view, answer) {
    view.finish(answer.message, answer.end);
    const word = { error: "failed", abort: "stopped" }[answer.end?.type] ?? "finished";
    const text = answer.end?.type === "error" ? answer.end.errorText : view.body.innerText.slice(0, MOST_SAID);
    this.#say(`${this.templates.word(word)} ${text}`);
  }

  /** Tell why there is no answer, and give the question back. */
  async #refused(error, view, question) {
    this.#run = null;
    this.#become("idle");
    view.element.remove();
    if (question) {
      this.thread.asked = null;
      this.composer.text ||= question.text;
    }
    if (question?.fresh) {
      this.#show("");
      this.thread.clear();
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

  /** Enter a state, in which other buttons are shown. */
  #become(state) {
    this.setAttribute("state", state);
    this.thread.busy = state !== "idle";
    this.composer.become(state);
    const doing = STATES[state] ? this.templates.word(STATES[state]) : "";
    this.querySelector(".chat-state").textContent = doing;
    if (state === "asking" || state === "reconnecting") this.#say(doing);
  }

  /** Show what went wrong, or nothing for null. */
  #complain(error) {
    complain(this.querySelector(".complaint"), this.templates, error);
  }

  #say(text) {
    this.querySelector(".said").textContent = text;
  }
}

customElements.define("chat-page", ChatPage);
