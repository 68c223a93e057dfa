import assert from "node:assert/strict";
import test from "node:test";

import { Answer, textOf } from "../../demos/static/demos/ask/answer.js";
import { safeAddress } from "../../demos/static/demos/ask/inline.js";
import { belowTitle, Markdown, parse, TAGS } from "../../demos/static/demos/ask/markdown.js";

/** Write nodes in short: `<p>a <em>b</em></p>`, without any escapes. */
function written(nodes) {
  return nodes.map((node) => {
    if (typeof node === "string") return node;
    const attributes = ["href", "start", "align", "language"]
      .filter((name) => node[name] !== undefined && node[name] !== "")
      .map((name) => ` ${name}=${node[name]}`);
    return `<${node.tag}${attributes.join("")}>${node.code ?? written(node.children)}</${node.tag}>`;
  }).join("");
}

const CASES = [
  ["paragraphs", "one\ntwo\n\nthree", "<p>one\ntwo</p><p>three</p>"],
  ["headings", "# One #\n### C#\n#no", "<h1>One</h1><h3>C#</h3><p>#no</p>"],
  ["emphasis", "*a* __b__ ***c*** ~~d~~ a_b_c 2 * 3 * 4", "<p><em>a</em> <strong>b</strong> <em><strong>c</strong></em> <del>d</del> a_b_c 2 * 3 * 4</p>"],
  ["emphasis in Chinese", "这是**“重点”**吗", "<p>这是<strong>“重点”</strong>吗</p>"],
  ["marks that nothing closes", "**a *b", "<p>**a *b</p>"],
  ["code", "`a*b*` ``c`d`` `e", "<p><code>a*b*</code> <code>c`d</code> `e</p>"],
  ["escapes and entities", "\\*a\\* &amp; &lt;b&gt; &#x41; &never; \\q", "<p>*a* & <b> A &never; \\q</p>"],
  ["line breaks", "a  \nb\\\nc<br>d", "<p>a<br></br>b<br></br>c<br></br>d</p>"],
  ["links", '[a **b**](https://x.y/z "t") <https://x.y/> https://x.y/a_(b). <me@x.y>', "<p><a href=https://x.y/z>a <strong>b</strong></a> <a href=https://x.y/>https://x.y/</a> <a href=https://x.y/a_(b>https://x.y/a_(b</a>). <a href=mailto:me@x.y>me@x.y</a></p>"],
  ["a link in a link", "[a [b](https://x.y/)](https://z/)", "<p>[a <a href=https://x.y/>b</a>](<a href=https://z/>https://z/</a>)</p>"],
  ["an image is a link", "![alt](https://x.y/z.png)", "<p><a href=https://x.y/z.png>alt</a></p>"],
  ["HTML is text", "<script>alert(1)</script>\n\n<b onclick=x>c</b>", "<p><script>alert(1)</script></p><p><b onclick=x>c</b></p>"],
  ["a tight list", "- a\n- b\n  - c\n+ d", "<ul><li>a</li><li>b<ul><li>c</li></ul></li></ul><ul><li>d</li></ul>"],
  ["a loose list", "- a\n\n- b", "<ul><li><p>a</p></li><li><p>b</p></li></ul>"],
  ["a numbered list with code", "3. a\n   ```js\n   b\n     c\n   ```\n4. d", "<ol start=3><li>a<pre language=js>b\n  c</pre></li><li>d</li></ol>"],
  ["a number in a paragraph", "It was\n1986. A year", "<p>It was\n1986. A year</p>"],
  ["a list after a paragraph", "Look:\n- a\n1. b", "<p>Look:</p><ul><li>a</li></ul><ol><li>b</li></ol>"],
  ["a fence that nothing closes", "```py\na = `1`\n\n<b>", "<pre language=py>a = `1`\n\n<b></pre>"],
  ["a longer fence", "````\n```\n````\nx", "<pre>```</pre><p>x</p>"],
  ["indented code", "    a\n      b\n\nc", "<pre>a\n  b</pre><p>c</p>"],
  ["a quote", "> # a\n> b\nc\n\nd", "<blockquote><h1>a</h1><p>b\nc</p></blockquote><p>d</p>"],
  ["rules", "a\n---\n* * *", "<p>a</p><hr></hr><hr></hr>"],
  ["a table", "| a | b\\|c |\n|:-:|--:|\n| `1` |\n\nd", "<table><thead><tr><th align=center>a</th><th align=end>b|c</th></tr></thead><tbody><tr><td align=center><code>1</code></td><td align=end></td></tr></tbody></table><p>d</p>"],
  ["no table", "a | b\n---\nc", "<p>a | b</p><hr></hr><p>c</p>"],
  ["line ends of Windows", "# a\r\n\r\nb\r\n", "<h1>a</h1><p>b</p>"],
];

for (const [name, text, wanted] of CASES) {
  test(`Markdown: ${name}`, () => assert.equal(written(parse(text)), wanted));
}

const WHOLE = CASES.map(([, text]) => text).join("\n\n");

test("a text that grows has at each moment the blocks of the text so far", () => {
  for (const text of [WHOLE, ...CASES.map(([, each]) => each), CASES.map(([, each]) => each).join("\n")]) {
    const growing = new Markdown();
    let soFar = "";
    for (const character of text) {
      growing.append(character);
      soFar += character;
      assert.deepEqual(growing.blocks, parse(soFar), soFar.slice(-80));
    }
  }
});

test("growing keeps the blocks that are complete", () => {
  const growing = new Markdown();
  growing.append("one\n\ntwo\n\nthree\n\n");
  const [first, second] = growing.blocks;
  growing.append("four\n");
  assert.equal(growing.blocks[0], first);
  assert.equal(growing.blocks[1], second);
});

test("headings fit below the title of the page", () => {
  const tags = (text) => belowTitle(parse(text)).map(({ tag }) => tag);
  assert.deepEqual(tags("## a\n#### b\n## c\nd\n### e\n# f"), ["h2", "h3", "h2", "p", "h3", "h2"]);
});

const ADDRESSES = [
  "javascript:alert(1)", " JavaScript:alert(1)", "java\nscript:alert(1)", "java\tscript:alert(1)", "\u0001javascript:alert(1)",
  "data:text/html,<script>alert(1)</script>", "vbscript:x", "blob:https://x.y/z", "file:///etc/passwd", "/relative", "//x.y", "x", "",
];

for (const address of ADDRESSES) {
  test(`no link leads to ${JSON.stringify(address)}`, () => assert.equal(safeAddress(address), null));
}

test("a scheme that is hidden by escapes or entities makes no link", () => {
  for (const text of ["[a](javascript\\:alert(1))", "[a](javascript&#58;alert(1))", "[a](&#106;avascript:alert(1))", "[a](<javascript:alert(1)>)", "<javascript:alert(1)>"]) {
    assert.ok(!written(parse(text)).includes("href"), text);
  }
});

test("every text makes a tree of known tags, and soon", () => {
  const pieces = ["*", "**", "_", "`", "```\n", "[", "](", "https://x.y", ")", "> ", "- ", "1. ", "# ", "|", "-|-\n", "\n", "    ", "<", "!", "\\", "&", "a", "中"];
  let seed = 1;
  for (let round = 0; round < 300; round++) {
    let text = "";
    for (let n = 0; n < 60; n++) {
      seed = (seed * 48271) % 2147483647;
      text += pieces[seed % pieces.length];
    }
    check(parse(text));
    const growing = new Markdown();
    for (const character of text) growing.append(character);
    assert.deepEqual(growing.blocks, parse(text), text);
  }
  function check(nodes) {
    for (const node of nodes) {
      if (typeof node === "string") continue;
      assert.ok(TAGS.has(node.tag));
      assert.ok(!node.href || /^(https?|mailto):/.test(node.href));
      check(node.children);
    }
  }
});

test("long texts of marks are parsed without trouble", () => {
  for (const mark of ["*a ", "*a* **b", "[", "[a](", "![a](b) ", "`", ">", "- ", "_a_", "|", "# ", "~~", "<", "&", "1. "]) {
    parse(mark.repeat(20_000));
    parse(`${mark.repeat(5000)}\n${mark.repeat(5000)}`);
  }
});

test("parts are folded into the message that they make", () => {
  const answer = new Answer();
  for (const part of [
    { type: "start", messageId: "m" },
    { type: "reasoning-start", id: "r" },
    { type: "reasoning-delta", id: "r", delta: "Hm." },
    { type: "reasoning-end", id: "r" },
    { type: "tool-input-available", toolCallId: "c", toolName: "weather", input: { city: "Bergen" } },
    { type: "tool-output-available", toolCallId: "c", output: "Rain" },
    { type: "text-start", id: "t" },
    { type: "text-delta", id: "t", delta: "Take an " },
    { type: "text-delta", id: "t", delta: "umbrella." },
    { type: "unheard-of" },
    { type: "abort" },
  ]) answer.add(part);
  assert.equal(answer.message.id, "m");
  assert.equal(textOf(answer.message), "Take an umbrella.");
  assert.deepEqual(answer.message.parts.slice(0, 2), [
    { type: "reasoning", text: "Hm.", state: "done" },
    { type: "tool-weather", toolCallId: "c", state: "output-available", input: { city: "Bergen" }, output: "Rain" },
  ]);
  assert.deepEqual(answer.end, { type: "abort" });
});
