// Seals and opens as `bindings/webcrypto/sealing.py` does. Reads JSON from standard input, {seal: [[key, boundTo, text]…], unseal:
// [[key, boundTo, box]…]} with bytes in base64, and writes boxes in base64 and texts, null for what does not open.
import { readFileSync } from "node:fs";
import { seal, unseal } from "../../src/bindings/webcrypto/sealing.mjs";

const bytes = (text) => new Uint8Array(Buffer.from(text, "base64"));
const given = JSON.parse(readFileSync(0, "utf8"));
const boxes = [];
for (const [key, boundTo, text] of given.seal) boxes.push(Buffer.from(await seal(bytes(key), bytes(boundTo), text)).toString("base64"));
const texts = [];
for (const each of given.unseal) texts.push(await unseal(...each.map(bytes)).catch(() => null));
process.stdout.write(JSON.stringify({ boxes, texts }));
