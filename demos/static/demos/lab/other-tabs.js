/** The other tabs of this browser. The one that stops a run tells the others the id of the run. */
export const OTHER_TABS = new BroadcastChannel("lab-stop");
