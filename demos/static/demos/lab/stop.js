/** The page in another tab that stops the visitor's run. */

import { OTHER_TABS } from "./other-tabs.js";
import { Refused, Runs } from "./runs.js";

const runs = new Runs(window);
const button = document.querySelector('[data-action="stop"]');

function say(words) {
  document.querySelector('[data-part="said"]').textContent = words;
}

function word(name) {
  return document.querySelector(`template[data-word="${name}"]`).content.textContent;
}

function refused(error) {
  say(error instanceof Refused ? error.detail : word("unreachable"));
}

async function stop(id) {
  button.disabled = true;
  OTHER_TABS.postMessage({ run: id, refused: false });
  try {
    await runs.harm(id, "stop");
    say(word("stopped"));
  } catch (error) {
    if (error instanceof Refused) OTHER_TABS.postMessage({ run: id, refused: true });
    button.disabled = false;
    refused(error);
  }
}

try {
  const { run } = await runs.greet();
  if (run) {
    button.disabled = false;
    button.addEventListener("click", () => stop(run));
  } else {
    say(word("none"));
  }
} catch (error) {
  refused(error);
}
