// One try at a provider, by one call of Python's: each object that Python is handed costs it 20 to 50 µs and each promise it
// awaits two turns of its event loop.
//
// The rules easy to break: the time for the first byte ends at the headers; a body is taken in only where there is room, and
// what was read of one for which there is none still passes on.
import { Body } from "./bodies.mjs";
import { Passage } from "./passage.mjs";

// An `Answer`, or one without a status, whose `failure` says why there is none. With `bytesMax` an answer that is no error is
// read at once.
export async function send(clientSignal, url, init, body, firstByteMs, bytesMax, isolateBytesMax) {
  const controller = new AbortController();
  const signal = AbortSignal.any([clientSignal, controller.signal]);
  const timer = setTimeout(() => controller.abort(), firstByteMs);
  let response;
  try {
    response = await fetch(url, { ...JSON.parse(init), body, signal, redirect: "manual" });
  } catch {
    return { status: undefined, failure: gone(clientSignal) ?? (controller.signal.aborted ? "first_byte_timeout" : "connection_lost") };
  } finally {
    clearTimeout(timer);
  }
  const answer = new Answer(response, controller, clientSignal);
  if (bytesMax !== undefined && response.status < 300) await answer.read(bytesMax, isolateBytesMax);
  return answer;
}

class Answer {
  answeredAtMs = Date.now();
  isRead = false;
  isTooLong = false;
  failure;

  #response;
  #controller;
  #clientSignal;
  #body;
  #whole;

  constructor(response, controller, clientSignal) {
    this.status = response.status;
    this.headers = JSON.stringify(Object.fromEntries(response.headers));
    this.#response = response;
    this.#controller = controller;
    this.#clientSignal = clientSignal;
  }

  // Read the body. It is too long where it has more than `bytesMax`, or all that this isolate is reading have more than
  // `isolateBytesMax`; where it broke off, `failure` says why.
  async read(bytesMax, isolateBytesMax) {
    this.isRead = true;
    try {
      this.#whole = await this.#source().whole(bytesMax, isolateBytesMax);
      this.isTooLong = this.#whole === undefined;
    } catch {
      this.failure = gone(this.#clientSignal) ?? "connection_lost";
    }
  }

  // The body that was read; it is kept no longer.
  take() {
    const whole = this.#whole;
    this.#whole = undefined;
    return whole;
  }

  // How the body begins, as a watch hears it (`Body.begun`); or why it broke off.
  async begun(hear, silenceMs, holdBackMs) {
    try {
      const ending = await this.#source().begun(hear, silenceMs, holdBackMs);
      // An abort may leave a read pending for ever: who has left is no silence of the provider's.
      return ending === "silent" ? (gone(this.#clientSignal) ?? "first_byte_timeout") : ending;
    } catch (fault) {
      if (fault.name === "PythonError") throw fault; // the watch's own
      return gone(this.#clientSignal) ?? "connection_lost";
    }
  }

  discard() {
    this.#controller.abort();
    this.#source().discard();
  }

  untouched() {
    return this.#response.body;
  }

  passage(stripsUsage, judge, keptBytes) {
    const source = this.#body ?? this.#response.body; // the body as far as it was read in vain: it goes on from there
    return new Passage(source, this.#controller, this.#clientSignal, stripsUsage, judge, keptBytes);
  }

  #source() {
    return (this.#body ??= new Body(this.#response.body));
  }
}

function gone(clientSignal) {
  return clientSignal.aborted ? "client_gone" : undefined;
}
