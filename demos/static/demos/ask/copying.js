/** A button that copies a text, and shows for a moment whether the browser did. */

/** For how long the button shows it, in milliseconds. */
const SHOWN = 1500;

/**
 * Copy a text, and return the words for what became of it.
 *
 * @param {HTMLButtonElement} button
 * @param {string} text
 * @param {import("./message-view.js").Templates} templates
 */
export async function copy(button, text, templates) {
  const copied = await navigator.clipboard.writeText(text).then(() => true, () => false);
  const outcome = templates.word(copied ? "copied" : "not-copied");
  // A second click comes while the button still shows the outcome of the first.
  const label = (button.dataset.label ??= button.textContent);
  button.textContent = outcome;
  setTimeout(() => {
    button.textContent = label;
  }, SHOWN);
  return outcome;
}
