/** Seven tabs' worth of Server-Sent Events. */

import { sleep } from "../../streams/timing.js";
import { httpVersion } from "../transports/http.js";
import { addressOf } from "./runs.js";

const TABS = 7;

/**
 * Open as many EventSources as seven tabs would, and count how many of them connect. They are closed
 * after so many milliseconds.
 *
 * @returns {Promise<{ version: string, opened: number, waiting: number }>} the HTTP version, how many
 *   connected, and how many still waited for a connection
 */
export async function openTabs(run, network, { milliseconds, signal }) {
  const tabs = Array.from({ length: TABS }, (_, index) => {
    const address = addressOf(run, { panel: `tab${index + 1}`, source: "engine" });
    return new network.EventSource(`${address}/events`);
  });
  try {
    await sleep(milliseconds, signal);
    const opened = tabs.filter(({ readyState }) => readyState === EventSource.OPEN).length;
    const waiting = tabs.filter(({ readyState }) => readyState === EventSource.CONNECTING).length;
    return { version: httpVersion(), opened, waiting };
  } finally {
    for (const tab of tabs) tab.close();
  }
}
