/**
 * The `<theme-choice>` element: it applies the chosen theme to the page and stores it. On the next page,
 * theme.js applies the stored theme.
 */

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
    /* The browser refuses access to the storage. The choice applies to this page only. */
  }
}

customElements.define("theme-choice", ThemeChoice);
