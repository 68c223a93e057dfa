// Not a module: it blocks, so that the chosen theme is there before anything is painted.
try {
  const theme = localStorage.getItem("theme");
  if (theme) document.documentElement.dataset.theme = theme;
} catch {
  /* Storage is refused: the system's theme it is. */
}
