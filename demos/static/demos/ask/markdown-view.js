/**
 * Shows a tree of the Markdown parser as DOM. The elements are made one by one and the text goes into text
 * nodes, so nothing in a text is ever parsed as HTML.
 */

import { TAGS } from "./markdown.js";

const ALIGNS = new Set(["center", "end"]);

/**
 * Make the children of an element show these nodes, with as few changes as possible: text that has grown is
 * appended to, so that a selection stays and nothing flickers.
 *
 * @param {Element} parent
 * @param {import("./markdown.js").Node[]} nodes
 * @param {(language: string) => HTMLElement} makeCode makes the box of a code block, with a `<code>` in it
 */
export function show(parent, nodes, makeCode) {
  nodes.forEach((node, place) => {
    const old = parent.childNodes[place];
    if (!old) parent.append(make(node, makeCode));
    else if (fits(old, node)) renew(old, node, makeCode);
    else old.replaceWith(make(node, makeCode));
  });
  while (parent.childNodes.length > nodes.length) parent.lastChild.remove();
}

/** The nodes that elements show, by element. */
const shown = new WeakMap();

/** Return whether a child of the DOM can become what a node wants, by changing its content alone. */
function fits(old, node) {
  if (typeof node === "string") return old.nodeType === Node.TEXT_NODE;
  const before = shown.get(old);
  return before !== undefined
    && ["tag", "href", "start", "align", "language"].every((name) => before[name] === node[name]);
}

function renew(old, node, makeCode) {
  if (typeof node === "string") return setText(old, node);
  if (shown.get(old) === node) return undefined;
  shown.set(old, node);
  if (node.tag === "pre") return setText(old.querySelector("pre > code").firstChild, node.code);
  return show(content(old), node.children, makeCode);
}

function setText(text, wanted) {
  if (text.data === wanted) return;
  if (wanted.startsWith(text.data)) text.appendData(wanted.slice(text.data.length));
  else text.data = wanted;
}

function make(node, makeCode) {
  if (typeof node === "string") return document.createTextNode(node);
  if (!TAGS.has(node.tag)) throw new Error(`The tag ${node.tag} is not one of Markdown's.`);
  const element = node.tag === "pre" ? makeCode(node.language) : makePlain(node);
  shown.set(element, node);
  if (node.tag === "pre") element.querySelector("pre > code").append(document.createTextNode(node.code));
  else show(content(element), node.children, makeCode);
  return element;
}

function makePlain(node) {
  const element = document.createElement(node.tag);
  if (node.href) {
    element.href = node.href;
    element.rel = "noopener noreferrer nofollow";
    element.target = "_blank";
  }
  if (node.start !== undefined) element.start = node.start;
  if (ALIGNS.has(node.align)) element.dataset.align = node.align;
  if (node.tag !== "table") return element;
  const box = document.createElement("div");
  box.className = "table";
  box.tabIndex = 0;
  box.role = "region";
  box.append(element);
  return box;
}

/** Return the element that has the children: a table stands in a box that scrolls. */
function content(element) {
  return element.className === "table" ? element.firstChild : element;
}
