/** What the page says when the site refuses something. */

/** The words for a refusal, by its status. */
const WORDS = { 0: "offline", 403: "refused", 404: "gone", 409: "busy", 413: "too-long", 429: "too-many", 503: "unavailable" };

/**
 * Show in a box what went wrong, or hide the box if `error` is null. The reason is in the language of the page. The
 * server's own sentence below the reason is in English, and has the figures.
 *
 * @param {HTMLElement} box
 * @param {import("./message-view.js").Templates} templates
 * @param {Error | import("./api.js").Refusal | null} error
 */
export function complain(box, templates, error) {
  const word = error && (WORDS[error.status] ?? (error.status >= 500 ? "unavailable" : ""));
  const reason = word ? templates.word(word) : "";
  const after = error?.after ? templates.word("after").replace("%s", error.after) : "";
  box.hidden = !error;
  box.querySelector(".reason").textContent = [reason, after].filter(Boolean).join(" ");
  box.querySelector(".detail").textContent = error?.detail ?? (word ? "" : error?.message ?? "");
}
