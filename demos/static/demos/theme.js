// Not a module: it blocks, so that the chosen theme is there before anything is painted.
try {
  const theme = localStorage.getItem("theme");
  // The admin keeps its choice under the same name, and has "auto" too.
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
} catch {
  /* Storage is refused: the system's theme it is. */
}
