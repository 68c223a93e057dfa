/**
 * The `<theme-choice>` element: it applies the chosen theme to the page and stores it. On the next page,
 * theme.js applies the stored theme.
 */

class ThemeChoice extends HTMLElement {
  connectedCallback() {
    const select = this.querySelector("select");
    const show = () => { select.value = document.documentElement.dataset.theme ?? ""; };
    show();
    select.addEventListener("change", () => {
      apply(select.value);
      store(select.value);
    });
    // Another theme may have been chosen since the browser put the page into its back/forward cache.
    addEventListener("pageshow", ({ persisted }) => {
      if (!persisted) return;
      apply(stored());
      show();
    });
  }
}

/** @typedef {"" | "light" | "dark"} Theme "" is the theme of the system */

/** @param {Theme} theme */
function apply(theme) {
  if (theme) document.documentElement.dataset.theme = theme;
  else delete document.documentElement.dataset.theme;
}

/** @returns {Theme} */
function stored() {
  try {
    const theme = localStorage.getItem("theme");
    // Django's admin stores "auto", too.
    return ["light", "dark"].includes(theme) ? theme : "";
  } catch {
    return document.documentElement.dataset.theme ?? "";
  }
}

/** @param {Theme} theme */
function store(theme) {
  try {
    if (theme) localStorage.setItem("theme", theme);
    else localStorage.removeItem("theme");
  } catch {
    /* The browser refuses access to the storage. The choice applies to this page only. */
  }
}

customElements.define("theme-choice", ThemeChoice);
