/** `<theme-choice>`: a select of automatic, light and dark; theme.js applies what it keeps. */

class ThemeChoice extends HTMLElement {
  connectedCallback() {
    const select = this.querySelector("select");
    select.value = document.documentElement.dataset.theme ?? "";
    select.addEventListener("change", () => choose(select.value));
  }
}

/** @param {"" | "light" | "dark"} theme */
function choose(theme) {
  if (theme) document.documentElement.dataset.theme = theme;
  else delete document.documentElement.dataset.theme;
  try {
    if (theme) localStorage.setItem("theme", theme);
    else localStorage.removeItem("theme");
  } catch {
    /* Storage is refused: the choice holds for this page. */
  }
}

customElements.define("theme-choice", ThemeChoice);
