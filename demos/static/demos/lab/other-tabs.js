/**
 * The other tabs of this browser. The one that stops a run tells the others: `{ run, refused }`, with the id of
 * the run. `refused` is false before the stop, and true if the server has refused it.
 */
export const OTHER_TABS = new BroadcastChannel("lab-stop");
