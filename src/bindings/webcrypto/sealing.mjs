// AES-256-GCM by the platform's own cryptography. A box is nonce, ciphertext and tag in one piece. Nonces are random,
// so one key seals 2^32 texts at most (NIST SP 800-38D, 8.3).
const NONCE_BYTES = 12;

export async function seal(key, boundTo, text) {
  const nonce = crypto.getRandomValues(new Uint8Array(NONCE_BYTES));
  const sealed = await crypto.subtle.encrypt(how(nonce, boundTo), await imported(key), new TextEncoder().encode(text));
  const box = new Uint8Array(NONCE_BYTES + sealed.byteLength);
  box.set(nonce);
  box.set(new Uint8Array(sealed), NONCE_BYTES);
  return box;
}

export async function unseal(key, boundTo, box) {
  const nonce = box.subarray(0, NONCE_BYTES);
  const text = await crypto.subtle.decrypt(how(nonce, boundTo), await imported(key), box.subarray(NONCE_BYTES));
  return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(text);
}

function imported(key) {
  return crypto.subtle.importKey("raw", key, "AES-GCM", false, ["encrypt", "decrypt"]);
}

function how(nonce, boundTo) {
  return { name: "AES-GCM", iv: nonce, additionalData: boundTo, tagLength: 128 };
}
