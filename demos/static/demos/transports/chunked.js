import { bodyFraming, visible } from "../wire.js";
import { data, derived, seen } from "../recording.js";
import { headSize, httpVersion, recordCut, recordEnd, requestHead, responseHead, valuesOf } from "./http.js";

const HEADERS = ["content-type", "transfer-encoding", "cache-control", "x-accel-buffering"];

/** Make one request, and yield the text of its body as the body grows. */
export async function* chunked(src, { signal, wire, network = globalThis }) {
  const version = httpVersion();
  wire.record({ direction: "up", parts: requestHead(src, version, ["Accept: */*"]), requests: 1 });
  signal.addEventListener("abort", () => recordCut(wire), { once: true });

  const response = await network.fetch(src, { signal, cache: "no-store" });
  wire.count("heads", headSize(response));
  wire.record({ direction: "down", parts: responseHead(response, version, HEADERS) });
  if (!response.ok) throw new Error(`${response.status} ${response.statusText}`);

  // One decoder reads the whole body because a character may be split between two reads.
  const decoder = new TextDecoder();
  for await (const bytes of valuesOf(response.body)) {
    const text = decoder.decode(bytes, { stream: true });
    const { head, tail, bytes: framing } = bodyFraming(bytes.length, version);
    wire.record({
      direction: "down",
      parts: [derived(visible(head)), data(visible(text)), derived(visible(tail))],
      note: [seen(`${bytes.length}`), derived(`+ ${framing} B`)],
      messages: 1,
      payload: bytes.length,
      framing,
      text,
    });
    yield text;
  }

  recordEnd(wire, version);
}
