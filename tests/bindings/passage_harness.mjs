// Sends streams through a passage, as the platform would. Reads a JSON list of {chunks, stripsUsage, lastWords, clientReads}
// from standard input, chunks and words in base64, and writes what the client got, what was heard, and how it ended.
import { readFileSync } from "node:fs";
import { Passage } from "../../src/bindings/passage.mjs";

const bytes = (base64) => new Uint8Array(Buffer.from(base64, "base64"));
const base64 = (chunks) => Buffer.concat(chunks).toString("base64");

async function play({ chunks, stripsUsage, isBroken, lastWords, clientReads }) {
  const upstream = new AbortController();
  const waiting = chunks.map(bytes);
  const source = new ReadableStream({
    pull(provider) {
      if (waiting.length > 0) provider.enqueue(waiting.shift());
      else if (isBroken) provider.error(new Error("reset"));
      else provider.close();
    },
  });
  const passage = new Passage(source, upstream, new AbortController().signal, stripsUsage, undefined);
  const heard = [];
  const account = (async () => {
    let ending = null;
    while (ending === null) {
      await passage.listen();
      ending = passage.ending;
      heard.push(passage.hear());
    }
    passage.close(bytes(lastWords));
  })();
  const got = [];
  const client = passage.readable.getReader();
  while (clientReads === null || got.length < clientReads) {
    const { done, value } = await client.read();
    if (done) break;
    got.push(value);
  }
  if (clientReads !== null) await client.cancel();
  await account;
  return {
    got: base64(got),
    heard: base64(heard),
    pieces: heard.length,
    ending: passage.ending,
    isUpstreamAborted: upstream.signal.aborted,
    left: waiting.length,
  };
}

const plays = JSON.parse(readFileSync(0, "utf8"));
const played = [];
for (const each of plays) played.push(await play(each));
process.stdout.write(JSON.stringify(played));
