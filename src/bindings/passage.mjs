// A stream on its way from the provider to the client. `bindings/upstream.py` opens one for each streamed answer.
//
// With a `judge`, a Python function sees every chunk and lets bytes pass by `forward`. Without one, whole server-sent
// events pass at once, and Python hears what came later and in large pieces: it then costs nothing per chunk.
//
// With `keptBytes`, an answer that is no stream passes as it comes, and Python hears its last bytes when it has ended.
//
// The rules easy to break: without a judge, too, only whole events pass, so that the stream can be ended anywhere; what
// Python hears is what the provider sent, not what the client got; a client that leaves stops the provider here, at once.

const PIECE_BYTES_MAX = 16 * 1024; // some 60 events, 1 ms of Python: no other stream of the isolate waits long for it
const PIECE_BYTES_FIRST = 1024; // Python soon knows that the answer has begun; pieces double from there
const BLANK_LINE_BYTES_MAX = 4;
const NOTHING = new Uint8Array(0);
const LF = 10;
const CR = 13;
const USAGE = new TextEncoder().encode('"usage"');
const NULL_USAGE = /,\s*"usage"\s*:\s*null/;
const AFTER_BLANK_LINE = /(?<=\n\n|\r\n\r\n|\r\r)/;

export class Passage {
  // Null while the stream runs; then complete | broken | cut | client_disconnected.
  ending = null;
  firstChunkAtMs = null;

  #reader;
  #controller;
  #clientSignal;
  #stripsUsage;
  #judge;
  #keptBytes;
  #client;
  #hasPassed = false;
  #unfinished = [];
  #tail = NOTHING; // the last bytes that came, in which a blank line may have begun
  #heard = [];
  #heardBytes = 0;
  #pieceBytes = PIECE_BYTES_FIRST * (1 + Math.random()); // streams that began together do not interrupt together
  #wake = () => {};
  #lastWords;
  #sayLastWords;

  // `source` is the provider's body; `controller` aborts its request; `clientSignal` is aborted when the client has left;
  // `stripsUsage` takes an `include_usage` back out that the caller did not ask for; `judge` and `keptBytes`
  // may be undefined.
  constructor(source, controller, clientSignal, stripsUsage, judge, keptBytes) {
    this.#reader = source.getReader();
    this.#controller = controller;
    this.#clientSignal = clientSignal;
    this.#stripsUsage = stripsUsage;
    this.#judge = judge;
    this.#keptBytes = keptBytes;
    this.#lastWords = new Promise((resolve) => (this.#sayLastWords = resolve));
    // Last, because this platform pulls before the constructor returns.
    this.readable = new ReadableStream({
      pull: (client) => this.#pull(client),
      cancel: () => this.#end("client_disconnected"),
    });
  }

  // Resolves when there is a piece to hear, or the stream has ended.
  async listen() {
    if (this.ending !== null || (this.#heardBytes >= this.#pieceBytes && !this.#keptBytes)) return;
    await new Promise((resolve) => (this.#wake = resolve));
    this.#wake = () => {};
  }

  // What came since the last time. Nothing when there is a judge: it has seen everything.
  hear() {
    const piece = joined(this.#heard);
    this.#heard = [];
    this.#heardBytes = 0;
    this.#pieceBytes = Math.min(2 * this.#pieceBytes, PIECE_BYTES_MAX);
    return piece;
  }

  // Let these bytes pass.
  forward(bytes) {
    if (bytes.length === 0 || this.ending === "client_disconnected") return;
    this.#hasPassed = true;
    this.#client.enqueue(bytes);
  }

  cut() {
    this.#end("cut");
  }

  // Say the last bytes the client has to hear. Without any, not even empty ones, the stream breaks off.
  close(lastWords) {
    this.#end("broken");
    this.#sayLastWords(lastWords);
  }

  async #pull(client) {
    this.#client = client;
    this.#hasPassed = false;
    while (this.ending === null && !this.#hasPassed) {
      const chunk = await this.#read();
      if (this.ending !== null) break;
      if (this.#judge) await this.#ask(chunk);
      else if (this.#keptBytes) this.#keepEnd(chunk);
      else this.#overhear(chunk);
    }
    if (this.ending !== null) await this.#finish();
  }

  async #read() {
    try {
      const { done, value } = await this.#reader.read();
      if (done) this.#end("complete");
      else this.firstChunkAtMs ??= Date.now();
      return value;
    } catch {
      this.#end(this.#clientSignal.aborted ? "client_disconnected" : "broken");
    }
  }

  async #ask(chunk) {
    try {
      await this.#judge(chunk);
    } catch (fault) {
      // Its kind only: a message may quote what the model said.
      console.error(JSON.stringify({ event: "stream_judge_failed", kind: fault.type ?? fault.name }));
      this.#end("broken");
    }
  }

  #overhear(chunk) {
    this.#heard.push(chunk);
    this.#heardBytes += chunk.length;
    this.forward(this.#events(chunk));
    if (this.#heardBytes >= this.#pieceBytes) this.#wake();
  }

  #keepEnd(chunk) {
    this.#heard.push(chunk);
    this.#heardBytes += chunk.length;
    while (this.#heardBytes - this.#heard[0].length >= this.#keptBytes) this.#heardBytes -= this.#heard.shift().length;
    this.forward(chunk);
  }

  async #finish() {
    const words = await this.#lastWords;
    if (this.ending === "client_disconnected") return;
    if (words === undefined) throw new Error("AgentWatch lost this stream");
    this.forward(words);
    this.#client.close();
  }

  #end(ending) {
    if (this.ending !== null) return;
    this.ending = ending;
    if (ending !== "complete") {
      this.#controller.abort();
      this.#reader.cancel().catch(() => {}); // the abort alone leaves the read pending for ever, and all that it holds
    }
    setTimeout(() => this.#wake()); // so that what has just passed leaves before Python closes the account
  }

  // The events that this chunk completes, as the caller would have got them by itself. What is left is not joined before
  // it ends: a picture in one event comes in hundreds of chunks.
  #events(chunk) {
    const seen = joined([this.#tail, chunk]);
    const end = endOfEvents(seen) - this.#tail.length;
    this.#tail = seen.subarray(-BLANK_LINE_BYTES_MAX + 1);
    if (end < 0) {
      this.#unfinished.push(chunk);
      return NOTHING;
    }
    const events = joined([...this.#unfinished, chunk.subarray(0, end)]);
    this.#unfinished = [chunk.subarray(end)];
    return this.#stripsUsage && includes(events, USAGE) ? withoutUsage(events) : events;
  }
}

function joined(chunks) {
  const [first, second] = chunks;
  if (chunks.length === 1 || (chunks.length === 2 && first.length === 0)) return second ?? first;
  const whole = new Uint8Array(chunks.reduce((total, chunk) => total + chunk.length, 0));
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.length;
  }
  return whole;
}

// Where the last blank line ends; 0 without one. A CR at the very end may be half of a CRLF: it ends no line yet.
function endOfEvents(bytes) {
  for (let at = bytes.length - 1; at > 0; at--) {
    const isEnd = bytes[at] === LF || (bytes[at] === CR && at + 1 < bytes.length && bytes[at + 1] !== LF);
    if (!isEnd) continue;
    const before = bytes[at] === LF && bytes[at - 1] === CR ? at - 2 : at - 1;
    if (before >= 0 && (bytes[before] === LF || bytes[before] === CR)) return at + 1;
  }
  return 0;
}

function includes(bytes, wanted) {
  for (let at = bytes.indexOf(wanted[0]); at >= 0; at = bytes.indexOf(wanted[0], at + 1)) {
    if (wanted.every((byte, place) => bytes[at + place] === byte)) return true;
  }
  return false;
}

// Exact without rewriting the JSON: inside a string the quotes around `usage` would be escaped.
function withoutUsage(events) {
  const texts = new TextDecoder("utf-8", { ignoreBOM: true }).decode(events).split(AFTER_BLANK_LINE);
  const kept = texts.filter((event) => !isUsageOnly(event)).map((event) => event.replace(NULL_USAGE, ""));
  return new TextEncoder().encode(kept.join(""));
}

function isUsageOnly(event) {
  if (!event.includes('"usage"')) return false;
  try {
    const chunk = JSON.parse(event.replace(/^data: ?/, ""));
    return Boolean(chunk.usage ?? chunk.x_groq?.usage) && !chunk.choices?.length;
  } catch {
    return false;
  }
}
