// A provider's answer on its way into memory, or past it.
//
// The rule easy to break: what is being read counts for the whole isolate, not for one call. An answer for which there is
// no room is not refused, because it has been billed: it is handed on as the stream it is, with what was read of it first.

let bytesInFlight = 0; // of all answers that this isolate is reading

export class Body {
  #reader;
  #read = [];
  #bytes = 0;
  #pending; // a read that nobody has waited for to its end
  #isOver = false;

  constructor(stream) {
    this.#reader = stream?.getReader();
  }

  // All of it; or undefined where it is longer than `bytesMax`, or all that are being read are longer than `isolateBytesMax`.
  async whole(bytesMax, isolateBytesMax) {
    try {
      while (this.#reader) {
        const { done, value } = await this.#reader.read();
        if (done) break;
        this.#read.push(value);
        this.#bytes += value.length;
        bytesInFlight += value.length;
        if (this.#bytes > bytesMax || bytesInFlight > isolateBytesMax) return undefined;
      }
      return joined(this.#read, this.#bytes);
    } finally {
      bytesInFlight -= this.#bytes;
    }
  }

  // What is heard first: until `hear` says that it is enough ("enough"), all of it was heard ("over"), it has been heard
  // for so long ("late"), or there was nothing to hear for too long ("silent"). All of it is still to come afterwards.
  async begun(hear, silenceMs, holdBackMs) {
    let until = Date.now() + silenceMs;
    for (;;) {
      this.#pending ??= this.#reader?.read() ?? Promise.resolve({ done: true });
      const next = await within(until - Date.now(), this.#pending);
      if (next === undefined) return this.#bytes > 0 ? "late" : "silent";
      this.#pending = undefined;
      if (next.done) {
        this.#isOver = true;
        return "over";
      }
      if (this.#bytes === 0) until = Date.now() + holdBackMs;
      this.#read.push(next.value);
      this.#bytes += next.value.length;
      if (hear(next.value)) return "enough";
    }
  }

  // Nobody wants it.
  discard() {
    this.#pending?.catch(() => {});
    this.#reader?.cancel().catch(() => {});
  }

  // As a stream has it, for a passage: what was read already comes first.
  getReader() {
    return {
      read: () => {
        if (this.#read.length > 0) return Promise.resolve({ done: false, value: this.#read.shift() });
        if (this.#isOver) return Promise.resolve({ done: true });
        const next = this.#pending ?? this.#reader.read();
        this.#pending = undefined;
        return next;
      },
      cancel: (reason) => this.#reader.cancel(reason),
    };
  }
}

// What a promise comes to; undefined where that takes longer.
function within(milliseconds, promise) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, Math.max(0, milliseconds));
    const inTime = (settle) => (value) => {
      clearTimeout(timer);
      settle(value);
    };
    promise.then(inTime(resolve), inTime(reject));
  });
}

function joined(chunks, bytes) {
  if (chunks.length === 1) return chunks[0];
  const whole = new Uint8Array(bytes);
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.length;
  }
  return whole;
}
