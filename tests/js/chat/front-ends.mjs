/**
 * The chat driven by the real front end: `Chat` of @ai-sdk/react, through the transports of `ai`.
 *
 * tests/chat/test_front_ends.py starts the site and runs this file. The environment has the
 * addresses of two processes of one site (FIRST, SECOND) and the transport to use (TRANSPORT).
 * The source of the site does what a question says: see tests/inside/chatter.py.
 */

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";

import { Chat } from "@ai-sdk/react";
import { DefaultChatTransport, TextStreamChatTransport, WebSocketChatTransport } from "ai";

const { FIRST, SECOND, TRANSPORT } = process.env;
const LENGTH = 200;
const WHOLE = Array.from({ length: LENGTH }, (_, n) => `${n} `).join("");
const QUESTION = `count ${LENGTH} 0.005`;

/** A person's browser: the cookies of one session, and the connections that a test may cut. */
class Browser {
  #cookie = "";
  #cuts = new Set();

  /** Make a session, which all connections of this browser share. They end with the test `t`. */
  static async open(t) {
    const browser = new Browser();
    t.after(() => browser.cut());
    const chat = browser.chat(FIRST, { transport: "sse" });
    await chat.sendMessage({ text: "count 1" });
    return browser;
  }

  /** Like fetch(), with the cookies of this browser. A test may cut the connection. */
  fetch = async (url, options = {}) => {
    const cutting = new AbortController();
    const signals = [cutting.signal, ...(options.signal ? [options.signal] : [])];
    this.#cuts.add(() => cutting.abort(new TypeError("the connection was cut")));
    const response = await fetch(url, {
      ...options,
      headers: { ...options.headers, cookie: this.#cookie },
      signal: AbortSignal.any(signals),
    });
    const [cookie] = response.headers.getSetCookie();
    if (cookie) [this.#cookie] = cookie.split(";");
    return response;
  };

  /** Cut all connections, as a lost network does. The servers are told nothing by the front end. */
  cut() {
    for (const cut of this.#cuts) cut();
    this.#cuts.clear();
  }

  /** Return a chat, as a page has one, that talks to one process of the site. */
  chat(url, { id = randomUUID(), transport = TRANSPORT, messages = [] } = {}) {
    // Without onError the front end logs each error.
    return new Chat({ id, messages, transport: this.#transport(url, transport), onError() {} });
  }

  #transport(url, kind) {
    const { fetch } = this;
    if (kind === "sse") return new DefaultChatTransport({ api: `${url}/chat/api`, fetch });
    if (kind === "text") return new TextStreamChatTransport({ api: `${url}/chat/api/text`, fetch });
    const browser = this;
    class Socket extends WebSocket {
      constructor(address, protocols) {
        super(address, { protocols, headers: { cookie: browser.#cookie } });
        browser.#cuts.add(() => this.close());
      }
    }
    return new WebSocketChatTransport({ url: `${url}/chat/ws`, webSocket: Socket });
  }

  async stop(url, id) {
    const response = await this.fetch(`${url}/chat/api/${id}/stop`, { method: "POST" });
    return (await response.json()).stopped;
  }

  async conversation(url, id) {
    return (await this.fetch(`${url}/chat/conversations/${id}`)).json();
  }
}

/** Wait until the newest message of a chat has at least this many characters. */
async function has(chat, length) {
  while (textOf(chat).length < length) {
    assert.notEqual(chat.status, "error", chat.error?.message);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

function textOf(chat) {
  const { role, parts } = chat.messages.at(-1) ?? {};
  if (role !== "assistant") return "";
  return parts
    .filter(({ type }) => type === "text")
    .map(({ text }) => text)
    .join("");
}

const everywhere = { timeout: 120_000 };
// The front end can't tell a complete text from one that was stopped or failed.
const withParts = { ...everywhere, skip: TRANSPORT === "text" && "bare text has no parts" };

test("an answer comes", everywhere, async (t) => {
  const browser = await Browser.open(t);
  const chat = browser.chat(FIRST);
  await chat.sendMessage({ text: QUESTION });
  assert.equal(chat.status, "ready");
  assert.equal(textOf(chat), WHOLE);
  assert.deepEqual(
    chat.messages.map(({ role }) => role),
    ["user", "assistant"],
  );
});

for (const share of [0.05, Math.random(), Math.random(), 0.95]) {
  test(`an answer that was cut at ${share} resumes on the other process`, everywhere, async (t) => {
    const browser = await Browser.open(t);
    const chat = browser.chat(FIRST);
    const asking = chat.sendMessage({ text: QUESTION });
    await has(chat, Math.max(1, Math.floor(WHOLE.length * share)));
    browser.cut();
    await asking;
    const { id } = chat.messages.at(-1);

    // The page is loaded again, from the other process, with what it had.
    const again = browser.chat(SECOND, { id: chat.id, messages: chat.messages });
    await again.resumeStream();
    if (again.messages.at(-1).parts.length && textOf(again) !== WHOLE) {
      // The answer had ended before the page asked: the site has it.
      const { live, messages } = await browser.conversation(SECOND, chat.id);
      assert.equal(live, false);
      again.messages = messages;
    }
    assert.equal(textOf(again), WHOLE);
    if (TRANSPORT !== "text") {
      assert.equal(again.messages.length, 2);
      assert.equal(again.messages.at(-1).id, id);
    }
  });
}

test("a second tab follows the answer from its beginning", withParts, async (t) => {
  const browser = await Browser.open(t);
  const chat = browser.chat(FIRST);
  const asking = chat.sendMessage({ text: QUESTION });
  await has(chat, WHOLE.length / 4);
  const tab = browser.chat(SECOND, { id: chat.id, messages: chat.messages.slice(0, 1) });
  await Promise.all([asking, tab.resumeStream()]);
  assert.equal(textOf(chat), WHOLE);
  assert.equal(textOf(tab), WHOLE);
  assert.equal(tab.messages.at(-1).id, chat.messages.at(-1).id);
});

test("a stop in another tab ends the answer, which keeps its text", withParts, async (t) => {
  const browser = await Browser.open(t);
  const chat = browser.chat(FIRST);
  const asking = chat.sendMessage({ text: "hang" });
  await has(chat, "waiting ".length);
  assert.equal(await browser.stop(SECOND, chat.id), true);
  await asking;
  assert.equal(chat.status, "ready");
  assert.equal(textOf(chat), "waiting ");
  await chat.sendMessage({ text: "count 2" });
  assert.equal(textOf(chat), "0 1 ");
});

test("the front end's own stop reaches the source over a WebSocket", {
  ...everywhere,
  skip: TRANSPORT !== "websocket" && "over HTTP the front end only disconnects",
}, async (t) => {
  const browser = await Browser.open(t);
  const chat = browser.chat(FIRST);
  const asking = chat.sendMessage({ text: "hang" });
  await has(chat, "waiting ".length);
  await chat.stop();
  await asking;
  const other = browser.chat(SECOND, { id: chat.id, messages: chat.messages });
  await other.resumeStream();
  assert.equal((await browser.conversation(SECOND, chat.id)).live, false);
});

test("an answer is written again", everywhere, async (t) => {
  const browser = await Browser.open(t);
  const chat = browser.chat(FIRST);
  await chat.sendMessage({ text: "count 3" });
  const before = chat.messages.at(-1).id;
  await chat.regenerate();
  assert.equal(textOf(chat), "0 1 2 ");
  assert.equal(chat.messages.length, 2);
  assert.notEqual(chat.messages.at(-1).id, before);
  const { messages } = await browser.conversation(SECOND, chat.id);
  assert.equal(messages.length, 2);
});

test("a failing source gives an error, and the conversation goes on", withParts, async (t) => {
  const browser = await Browser.open(t);
  const chat = browser.chat(FIRST);
  await chat.sendMessage({ text: "fail The oven is cold." });
  assert.equal(chat.status, "error");
  assert.equal(chat.error.message, "The oven is cold.");
  assert.equal(textOf(chat), "so far ");
  await chat.sendMessage({ text: "count 2" });
  assert.equal(textOf(chat), "0 1 ");
});

test("a question beside an answer is refused", everywhere, async (t) => {
  const browser = await Browser.open(t);
  const chat = browser.chat(FIRST);
  const asking = chat.sendMessage({ text: "hang" });
  await has(chat, "waiting ".length);
  const tab = browser.chat(SECOND, { id: chat.id });
  await tab.sendMessage({ text: "count 1" });
  assert.equal(tab.status, "error");
  assert.match(tab.error.message, /is being written/);
  await browser.stop(SECOND, chat.id);
  await asking;
});
