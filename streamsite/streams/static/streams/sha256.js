/**
 * Return the SHA-256 of a text's UTF-8, in hexadecimal. Needs SubtleCrypto, which browsers have in secure
 * contexts only: on pages from localhost or over TLS.
 */
export async function sha256(text) {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
