// This is a classic script, not a module, because it must set the theme before the page is painted.
try {
  const theme = localStorage.getItem("theme");
  // Django's admin stores its own theme under the same key, including "auto".
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
} catch {
  /* The browser refuses access to the storage. The system's theme applies. */
}
