// A provider's answer on its way into memory, or past it.
//
// The rule easy to break: what is being read counts for the whole isolate, not for one call. An answer for which there is
// no room is not refused, because it has been billed: it is handed on as the stream it is, with what was read of it first.

let bytesInFlight = 0; // of all answers that this isolate is reading

export class Body {
  #reader;
  #read = [];
  #bytes = 0;

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

  // As a stream has it, for a passage: what was read already comes first.
  getReader() {
    return {
      read: async () =>
        this.#read.length > 0 ? { done: false, value: this.#read.shift() } : this.#reader.read(),
      cancel: (reason) => this.#reader.cancel(reason),
    };
  }
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
