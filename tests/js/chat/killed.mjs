/**
 * The server of an answer is killed in the middle, and the front end goes on with the other one.
 *
 * Prints "answering" when the first part is there. tests/chat/test_front_ends.py then kills the
 * first process of the site.
 */

import assert from "node:assert/strict";

import { Chat } from "@ai-sdk/react";
import { DefaultChatTransport } from "ai";

const { FIRST, SECOND } = process.env;
const session = { cookie: "", "accept-language": "en" };

async function withCookie(url, options = {}) {
  const headers = { ...options.headers, ...session };
  const response = await fetch(url, { ...options, headers });
  const [cookie] = response.headers.getSetCookie();
  if (cookie) Object.assign(session, { cookie: cookie.split(";")[0] });
  return response;
}

function chatAt(url, id, messages = []) {
  const transport = new DefaultChatTransport({ api: `${url}/chat/api`, fetch: withCookie });
  return new Chat({ id, messages, transport, onError() {} });
}

const chat = chatAt(FIRST, "killed");
const asking = chat.sendMessage({ text: "hang" });
while (!chat.messages.at(-1)?.parts.some(({ text }) => text === "waiting ")) {
  await new Promise((resolve) => setImmediate(resolve));
}
process.stdout.write("answering\n");
await asking;
assert.equal(chat.status, "error");

const again = chatAt(SECOND, "killed", chat.messages);
await again.resumeStream();
assert.equal(again.status, "error");
assert.equal(again.error.message, "The answer was interrupted. Ask again.");
assert.equal(again.messages.at(-1).parts.at(-1).text, "waiting ");
await again.sendMessage({ text: "count 2" });
assert.equal(again.messages.at(-1).parts.at(-1).text, "0 1 ");
assert.equal(again.status, "ready");
