/** What the page says when there is no answer. */

/** The words for a refusal, by its status. The status 0 is that of a server that was not reached. */
const WORDS = { 0: "offline", 401: "session", 404: "gone", 409: "busy", 413: "too-long", 429: "too-many" };

/**
 * Show in a box what went wrong, or hide the box if `error` is null.
 *
 * The reason is in the language of the page. The server's own sentence is in English, and stands below the reason only
 * where the page has no words for the refusal.
 *
 * @param {HTMLElement} box
 * @param {import("./message-view.js").Templates} templates
 * @param {Error | import("./api.js").Refusal | null} error an error without a status is the loss of a connection
 */
export function complain(box, templates, error) {
  box.hidden = !error;
  if (!error) return;
  const { status = 0, detail = "", after } = error;
  const word = WORDS[status] ?? (status >= 500 ? "unavailable" : "refused");
  const retry = after ? templates.word("after").replace("%s", after) : "";
  box.querySelector(".reason").textContent = [templates.word(word), retry].filter(Boolean).join(" ");
  box.querySelector(".detail").textContent = word === "refused" ? detail : "";
}
