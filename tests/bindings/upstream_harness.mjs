// Asks providers as `bindings/upstream.py` does. Reads JSON from standard input, a list of {waitsMs, status, chunks, breaks,
// isRefused, leavesMs, firstByteMs, bytesMax}, and writes for each what `send` brought: status, headers, failure, what was read,
// and what passes on afterwards. Chunks are texts, or numbers of milliseconds before the next.
import { readFileSync } from "node:fs";
import { send } from "../../src/bindings/upstream.mjs";

const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));
let provider;

// As the platform's: an abort ends it wherever it is.
globalThis.fetch = (url, { signal, ...asked }) => {
  const { waitsMs = 0, status = 200, chunks = [], breaks, isRefused } = provider;
  provider.asked = { url, ...asked };
  const aborted = new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
  aborted.catch(() => {});
  const left = [...chunks];
  const body = new ReadableStream({
    async pull(out) {
      while (typeof left[0] === "number") await Promise.race([pause(left.shift()), aborted]);
      if (left.length > 0) out.enqueue(new TextEncoder().encode(left.shift()));
      else if (breaks) throw new Error("reset");
      else {
        provider.endedAtMs = Date.now();
        out.close();
      }
    },
  }, { highWaterMark: 0 });
  const answer = async () => {
    await pause(waitsMs);
    if (isRefused) throw new Error("Network connection lost.");
    return new Response(body, { status, headers: { "X-Served": "yes" } });
  };
  return Promise.race([answer(), aborted]);
};

async function play(given) {
  provider = given;
  const client = new AbortController();
  if (given.leavesMs !== undefined) setTimeout(() => client.abort(), given.leavesMs);
  const init = JSON.stringify({ method: "POST", headers: { "x-asked": "yes" } });
  const room = given.bytesMax === undefined ? [] : [given.bytesMax, 1 << 30];
  const answer = await send(client.signal, "https://provider.test/", init, "a body", given.firstByteMs ?? 1000, ...room);
  const { status, headers, failure, isTooLong, answeredAtMs } = answer;
  const whole = status === undefined ? undefined : answer.take();
  const told = { asked: provider.asked, status, headers, failure, isTooLong };
  told.isAnsweredBeforeItsEnd = answeredAtMs < provider.endedAtMs;
  if (whole !== undefined) told.whole = new TextDecoder().decode(whole);
  if (isTooLong) {
    const passage = answer.passage(false, undefined, 10);
    passage.listen().then(() => passage.close(new Uint8Array(0)));
    told.passed = await new Response(passage.readable).text();
  } else if (status !== undefined && whole === undefined && failure === undefined) {
    told.untouched = await new Response(answer.untouched()).text();
  }
  return told;
}

const played = [];
for (const given of JSON.parse(readFileSync(0, "utf8"))) played.push(await play(given));
process.stdout.write(JSON.stringify(played), () => process.exit(0));
