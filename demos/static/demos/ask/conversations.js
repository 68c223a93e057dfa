/** The reader's conversations: their addresses, their list, and the question whether to delete one. */

/** Return the id of the conversation that the page's address names, or "" for a new one. */
export function keyInAddress() {
  return new URLSearchParams(location.search).get("c") ?? "";
}

/** Return the address of a conversation: `addressOf("4f2a")` is `?c=4f2a`. */
export function addressOf(key) {
  return key ? `?${new URLSearchParams({ c: key })}` : location.pathname;
}

/** The list of conversations, the newest first, in which the one that is shown is marked. */
export class ConversationList {
  #page;
  #chat;
  #templates;
  #titles = [];
  #shown = "";
  /** The number of the last request for the list, and of the request with the answer that is shown. */
  #asked = 0;
  #answered = 0;

  /**
   * @param {HTMLElement} page contains the list and the dialog
   * @param {import("./api.js").Chat} chat
   * @param {import("./message-view.js").Templates} templates
   */
  constructor(page, chat, templates) {
    this.#page = page;
    this.#chat = chat;
    this.#templates = templates;
  }

  /** Get the list from the server. Without an answer the list stays as it is: opening a conversation says what is wrong. */
  async refresh() {
    const number = ++this.#asked;
    let titles;
    try {
      titles = await this.#chat.list();
    } catch {
      return;
    }
    // Answers may overtake each other.
    if (number < this.#answered) return;
    this.#answered = number;
    this.#titles = titles;
    this.#page.querySelector(".no-conversations").hidden = this.#titles.length > 0;
    this.#draw();
  }

  /** Mark the conversation that is shown. */
  mark(key) {
    this.#shown = key;
    this.#draw();
  }

  has(key) {
    return this.#titles.some(({ id }) => id === key);
  }

  /** Open the dialog that asks whether to delete a conversation. */
  askToDelete(key) {
    const dialog = this.#page.querySelector("dialog");
    dialog.querySelector(".title").textContent = this.#titles.find(({ id }) => id === key)?.title ?? "";
    dialog.querySelector('[data-action="delete-now"]').dataset.key = key;
    dialog.showModal();
  }

  #draw() {
    const list = this.#page.querySelector(".conversations ol");
    const shown = new Map([...list.children].map((item) => [item.dataset.key, item]));
    const items = this.#titles.map((conversation) => this.#item(conversation, shown.get(conversation.id)));
    // An item that stays keeps the focus, also for a dialog that gives the focus back when it closes.
    if (items.length === shown.size && items.every((item, place) => item === list.children[place])) return;
    const focused = document.activeElement;
    list.replaceChildren(...items);
    if (list.contains(focused)) focused.focus({ preventScroll: true });
  }

  /** Return the item of a conversation, which may be there already. */
  #item({ id, title }, item = this.#templates.element("conversation")) {
    item.dataset.key = id;
    const [link, button] = item.children;
    link.textContent = title || id;
    link.href = addressOf(id);
    link.dataset.key = button.dataset.key = id;
    link.ariaCurrent = id === this.#shown ? "page" : null;
    button.ariaLabel = `${button.textContent}: ${title}`;
    return item;
  }
}
