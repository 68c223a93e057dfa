/** The messages of the conversation that is shown. */

import { followingTail } from "../tail.js";
import { AnswerView, questionView } from "./message-view.js";

export class Thread {
  /** @type {AnswerView | null} the newest answer */
  newest = null;
  /** @type {{ id: string, role: string, parts: object[] } | null} the newest question */
  asked = null;
  #templates;
  #box;
  #messages;
  /** The conversation as the server told it, or "" if more has come since. */
  #told = "";
  /** @type {WeakMap<Element, AnswerView>} */
  #views = new WeakMap();

  /**
   * @param {HTMLElement} box the box that scrolls, and contains the messages
   * @param {import("./message-view.js").Templates} templates
   */
  constructor(box, templates) {
    this.#templates = templates;
    this.#box = box;
    this.#messages = box.querySelector(".messages");
  }

  set busy(busy) {
    this.#messages.ariaBusy = String(busy);
  }

  clear() {
    this.#told = "";
    this.#fill([]);
  }

  /** Show a conversation that the server has. A reader who has scrolled up stays at that place. */
  show(conversation) {
    const told = JSON.stringify(conversation);
    if (told === this.#told) return;
    this.#told = told;
    const { messages, ends } = conversation;
    followingTail(this.#box, () => this.#fill(messages, ends));
  }

  addQuestion(message) {
    this.#told = "";
    this.#messages.append(this.#newQuestion(message));
  }

  /** Add an answer that is still empty, and return its view. */
  addAnswer() {
    this.#told = "";
    const view = this.#newAnswer();
    this.#messages.append(view.element);
    this.#box.scrollTop = this.#box.scrollHeight;
    view.draw();
    return view;
  }

  /** Return the answer that contains an element. */
  viewOf(element) {
    return this.#views.get(element.closest('[data-view="answer"]'));
  }

  #fill(messages, ends) {
    this.newest = null;
    this.asked = null;
    this.#messages.replaceChildren(...messages.map((message) => {
      if (message.role === "user") return this.#newQuestion(message);
      const view = this.#newAnswer();
      view.finish(message, ends[message.id]);
      return view.element;
    }));
  }

  #newQuestion(message) {
    this.asked = message;
    return questionView(this.#templates, message);
  }

  #newAnswer() {
    const view = new AnswerView(this.#templates, this.#box);
    this.#views.set(view.element, view);
    this.newest = view;
    return view;
  }
}
