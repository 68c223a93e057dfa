/**
 * The parts of an answer, folded into the message that they make, as `streamsite/chat/parts.py` folds them
 * on the server. Pure: without DOM and network.
 *
 * Source: `process-ui-message-stream.ts` of npm `ai` 7.0.
 */

const STATES = {
  "tool-input-start": "input-streaming",
  "tool-input-available": "input-available",
  "tool-output-available": "output-available",
  "tool-input-error": "output-error",
  "tool-output-error": "output-error",
  "tool-output-denied": "output-denied",
};

/**
 *     const answer = new Answer();
 *     answer.add({ type: "text-start", id: "t" });
 *     answer.add({ type: "text-delta", id: "t", delta: "Hello" });
 *     answer.message.parts; // [{ type: "text", text: "Hello", state: "streaming" }]
 */
export class Answer {
  message = { id: "", role: "assistant", parts: [], metadata: null };
  /** How the answer ended: null while it goes on, or the part `finish`, `abort` or `error`. */
  end = null;
  #open = new Map();

  /** Add the next part. A part of an unknown type changes nothing. */
  add(part) {
    const { parts } = this.message;
    if (part.messageMetadata) this.message.metadata = { ...this.message.metadata, ...part.messageMetadata };
    const [, name, step] = /^(text|reasoning)-(start|delta|end)$/.exec(part.type) ?? [];
    if (name) this.#addText(name, step, part);
    else if (part.type === "start") this.message.id = part.messageId ?? "";
    else if (part.type === "finish-step") this.#open.clear();
    else if (part.type.startsWith("tool-")) this.#addTool(part);
    else if (part.type === "source-url") parts.push(part);
    else if (["finish", "abort", "error"].includes(part.type)) this.end = part;
  }

  #addText(name, step, part) {
    const key = `${name} ${part.id}`;
    if (step === "start") {
      const text = { type: name, text: "", state: "streaming" };
      this.#open.set(key, text);
      this.message.parts.push(text);
      return;
    }
    const text = this.#open.get(key);
    if (!text) return;
    if (step === "delta") text.text += part.delta;
    else text.state = "done";
  }

  #addTool(part) {
    const { parts } = this.message;
    let call = parts.findLast((each) => each.toolCallId === part.toolCallId);
    if (!call) {
      if (!part.toolName) return;
      call = { type: `tool-${part.toolName}`, toolCallId: part.toolCallId };
      parts.push(call);
    }
    if (STATES[part.type]) call.state = STATES[part.type];
    for (const name of ["input", "output", "errorText"]) {
      if (part[name] !== undefined && part[name] !== null) call[name] = part[name];
    }
  }
}

/** Return the text of a message, as one would copy it. */
export function textOf(message) {
  return message.parts.filter(({ type }) => type === "text").map(({ text }) => text).filter(Boolean).join("\n\n");
}
