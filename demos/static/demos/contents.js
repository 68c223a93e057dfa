/**
 * The table of contents. On a wide screen it is beside the text and open; on a narrow one it is above
 * the text and folded. It marks the section at the reader's position.
 */

const toc = document.querySelector(".toc");
const fold = toc.querySelector("details");
const beside = matchMedia("(width >= 64rem)");

function unfold() {
  fold.open = beside.matches;
}

unfold();
beside.addEventListener("change", unfold);
toc.addEventListener("click", ({ target }) => {
  if (target.closest("a") && !beside.matches) fold.open = false;
});

const links = new Map();
for (const link of toc.querySelectorAll("a[href^='#']")) links.set(link.hash.slice(1), link);

const observer = new IntersectionObserver((entries) => {
  for (const { isIntersecting, target } of entries) {
    const link = links.get(target.id);
    if (isIntersecting) link.setAttribute("aria-current", "true");
    else link.removeAttribute("aria-current");
  }
}, { rootMargin: "-30% 0px -69% 0px" });

for (const id of links.keys()) {
  const section = document.getElementById(id);
  if (section) observer.observe(section);
}
