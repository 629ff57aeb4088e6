// Reads bodies as `bindings/upstream.py` does, those of a round at once. Reads JSON, rounds of {chunks, bytesMax, isolateBytesMax, breaks,
// keptBytes} from standard input and writes for each what was read whole, else what passed on, was heard, and how it ended.
// Bodies are [byte, how often] per chunk, and come back as lengths and base64 of their ends.
import { readFileSync } from "node:fs";
import { Body } from "../../src/bindings/bodies.mjs";
import { Passage } from "../../src/bindings/passage.mjs";
import { within } from "../../src/bindings/deadlines.mjs";

const base64 = (bytes) => Buffer.from(bytes).toString("base64");

async function play({ chunks, bytesMax, isolateBytesMax, breaks, keptBytes }) {
  let produced = 0;
  const source = new ReadableStream(
    {
      async pull(provider) {
        await new Promise((resolve) => setTimeout(resolve)); // as from a network: the others go on meanwhile
        if (produced < chunks.length) provider.enqueue(new Uint8Array(chunks[produced][1]).fill(chunks[produced++][0]));
        else if (breaks) provider.error(new Error("reset"));
        else provider.close();
      },
    },
    { highWaterMark: 0 },
  );
  const body = new Body(source);
  const whole = await body.whole(bytesMax, isolateBytesMax).catch(() => "broken");
  if (whole !== undefined) return { whole: whole === "broken" ? whole : base64(whole), read: produced };
  const read = produced;
  const passage = new Passage(body, new AbortController(), new AbortController().signal, false, undefined, keptBytes);
  let wakes = 0;
  const account = (async () => {
    while (passage.ending === null) {
      await passage.listen();
      wakes++;
    }
    const heard = passage.hear();
    passage.close(passage.ending === "complete" ? new Uint8Array(0) : undefined);
    return heard;
  })();
  let passed = 0;
  let isBrokenOff = false;
  try {
    for await (const chunk of passage.readable) passed += chunk.length;
  } catch {
    isBrokenOff = true;
  }
  return { read, passed, heard: base64(await account), wakes, ending: passage.ending, isBrokenOff };
}

const given = JSON.parse(readFileSync(0, "utf8"));
const played = [];
for (const round of given.rounds) played.push(await Promise.all(round.map(play)));
const late = [];
for (const answer of given.late ?? []) {
  const target = { get: (word) => (answer === "never" ? new Promise(() => {}) : answer === "fails" ? Promise.reject(new TypeError("no")) : Promise.resolve(word)) };
  late.push(await within(20, target, "get", "word").catch((error) => error.name));
}
process.stdout.write(JSON.stringify({ played, late }));
