// Hears the beginnings of bodies as `bindings/upstream.py` does. Reads JSON rounds of {steps, enough, silenceMs, holdBackMs, discards,
// leaves} from standard input; a step is a text that comes, a number of milliseconds that pass, "!" for a reset, or null
// for silence without end. Writes for each how the beginning ended, what was heard, what passed on, and what became of the source.
import { readFileSync } from "node:fs";
import { Body } from "../../src/bindings/bodies.mjs";
import { Passage } from "../../src/bindings/passage.mjs";

async function play({ steps, enough, silenceMs, holdBackMs, discards, leaves }) {
  const left = [...steps];
  let isCancelled = false;
  const source = new ReadableStream(
    {
      async pull(provider) {
        while (typeof left[0] === "number") await new Promise((resolve) => setTimeout(resolve, left.shift()));
        if (left[0] === null) return new Promise(() => {});
        const step = left.shift();
        if (step === undefined) provider.close();
        else if (step === "!") provider.error(new Error("reset"));
        else provider.enqueue(new TextEncoder().encode(step));
      },
      cancel: () => void (isCancelled = true),
    },
    { highWaterMark: 0 },
  );
  const body = new Body(source);
  let heard = "";
  const hear = (chunk) => {
    heard += new TextDecoder().decode(chunk);
    return enough !== undefined && heard.includes(enough);
  };
  const begun = await body.begun(hear, silenceMs ?? 1000, holdBackMs ?? 1000).catch((error) => error.message);
  if (discards) {
    body.discard();
    await new Promise((resolve) => setTimeout(resolve, 5));
    return { begun, heard, isCancelled };
  }
  const passage = new Passage(body, new AbortController(), new AbortController().signal, false, undefined, undefined);
  let told = "";
  const account = (async () => {
    for (;;) {
      await passage.listen();
      const ending = passage.ending;
      told += new TextDecoder().decode(passage.hear());
      if (ending !== null) break;
    }
    passage.close(passage.ending === "complete" ? new Uint8Array(0) : undefined);
  })();
  let passed = "";
  const client = passage.readable.getReader();
  try {
    for (;;) {
      const { done, value } = await client.read();
      if (done) break;
      passed += new TextDecoder().decode(value);
      if (leaves) {
        await client.cancel();
        break;
      }
    }
  } catch {
    passed += "<broken off>";
  }
  await account;
  return { begun, heard, told, passed, ending: passage.ending, isCancelled };
}

const rounds = JSON.parse(readFileSync(0, "utf8"));
process.stdout.write(JSON.stringify(await Promise.all(rounds.map(play))), () => process.exit(0));
