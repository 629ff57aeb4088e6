/**
 * Reports on their way to AgentWatch: batches from a bounded queue, sent one after the other.
 *
 * Theory of operation. On a server the first report of a batch starts a timer that keeps no process alive; the process
 * sends what is left when it has nothing else to do (`registry`). In a Worker a timer or promise belongs to one request
 * and dies with it, so there each report sends what waits by itself, in a promise that `waitUntil` keeps alive; where
 * there is no `waitUntil`, reports wait for `flush()`. What fails goes back to the queue, which is plain data.
 *
 * The rule easy to break: in a Worker no promise is kept here, since another request would wait for it and hang.
 */

import { batchVerdict, delaySeconds, reasonOf, STOPPED_SECONDS, type Verdict } from '../protocol/verdicts.ts';
import { batchOf } from '../protocol/reports.ts';
import { JSON_HEADERS, type Heard, type Question } from '../protocol/question.ts';
import { warnAgain, warnOnce } from '../shared.ts';
import { unref } from './http.ts';
import { BATCH_RECORDS_MAX, ReportQueue } from './queue.ts';
import { isWorker, lookUpWaitUntil, runtimeWaitUntil, type WaitUntil } from './workers.ts';

/** How long the first report of a batch waits for others. */
export const LINGER_SECONDS = 0.2;
/** A request on its way keeps a process alive, so the first one is short, and longer ones follow time-outs. */
export const EXCHANGE_SECONDS_FIRST = 2;
export const EXCHANGE_SECONDS_MAX = 10;
/** Between attempts while somebody waits for them. */
export const FLUSH_PAUSE_SECONDS = 0.25;
const GZIP_BYTES_MIN = 1_000;

export interface Asks {
  ask(question: Question, timeoutSeconds: number): Promise<Heard>;
}

export interface SenderOptions {
  readonly lingerSeconds?: number;
  readonly isWorker?: boolean;
}

export class Sender {
  readonly queue = new ReportQueue();
  private readonly edge: Asks;
  private readonly lingerSeconds: number;
  private readonly worker: boolean;
  private timer: unknown = null;
  private sending: Promise<boolean> | null = null;
  private batchRecordsMax = BATCH_RECORDS_MAX;
  private failures = 0;
  private notBefore = 0;
  private isStopped = false;
  private toldDropped = 0;
  private triedAtExit = 0;

  constructor(edge: Asks, options: SenderOptions = {}) {
    this.edge = edge;
    this.lingerSeconds = options.lingerSeconds ?? LINGER_SECONDS;
    this.worker = options.isWorker ?? isWorker();
  }

  /** Never throws and never waits. `waitUntil` is the one of the request that the call belongs to. */
  add(record: string, waitUntil: WaitUntil | null): void {
    this.queue.add(record);
    if (this.worker && now() < this.notBefore) return;
    if (waitUntil !== null) waitUntil(this.sendAll());
    else if (!this.worker) this.schedule();
    else this.sendInWorker();
  }

  /** Before a call: in a Worker, find out what will keep its report alive. */
  prepare(waitUntil: WaitUntil | null): void {
    if (this.worker && waitUntil === null && runtimeWaitUntil() === null) void lookUpWaitUntil();
  }

  /**
   * Send what was added so far. True once all of that is sent, refused or dropped; false when time is up, or, without
   * patience, when AgentWatch does not take it.
   */
  async flush(timeoutSeconds: number, isPatient = true): Promise<boolean> {
    const deadline = now() + timeoutSeconds;
    const target = this.queue.taken;
    while (this.queue.finished < target) {
      // What another request of a Worker has taken is not waited for: it goes back to the queue, or is sent, there.
      if (this.worker && this.queue.length === 0) return true;
      const left = deadline - now();
      if (left <= 0) return false;
      const isTaken = await within(left, this.sendAll(left));
      if (this.queue.finished >= target) return true;
      if (isTaken === false && (!isPatient || this.isStopped)) return false;
      if (isTaken === false) await within(Math.min(FLUSH_PAUSE_SECONDS, Math.max(0, deadline - now())), null);
    }
    return true;
  }

  /** The process has nothing else to do: once for what has come since the last time, and never in a circle. */
  flushAtExit(timeoutSeconds: number): void {
    if (this.queue.length === 0 || this.triedAtExit === this.queue.taken) return;
    this.triedAtExit = this.queue.taken;
    void this.sendAll(timeoutSeconds);
  }

  private sendInWorker(): void {
    const known = runtimeWaitUntil();
    if (known !== null) return known(this.sendAll());
    const told = lookUpWaitUntil().then((found) => {
      if (found !== null) found(this.sendAll());
      else warnOnce('waitUntil', 'reports wait for flush(): give agentwatchWaitUntil, or call it before the end');
    });
    // `waitUntil` throws after its request has ended: the report waits for the next one.
    told.catch(() => undefined);
  }

  /** Where reports wait and nothing is on its way, a timer runs; else none does. */
  private schedule(): void {
    if (this.sending !== null || this.timer !== null || this.queue.length === 0) return;
    const linger = this.queue.length >= this.batchRecordsMax ? 0 : this.lingerSeconds;
    const seconds = Math.max(linger, this.notBefore - now(), 0);
    this.timer = setTimeout(() => {
      this.timer = null;
      void this.sendAll();
    }, seconds * 1_000);
    unref(this.timer);
  }

  /** Send until nothing waits or AgentWatch does not take it, which is false. On a server all share one course. */
  private sendAll(exchangeSeconds = Infinity): Promise<boolean> {
    if (this.worker) return this.course(exchangeSeconds);
    this.sending ??= this.course(exchangeSeconds).finally(() => {
      this.sending = null;
      this.schedule();
    });
    return this.sending;
  }

  private async course(exchangeSeconds: number): Promise<boolean> {
    clearTimeout(this.timer as number);
    this.timer = null;
    while (this.queue.length > 0) {
      if (!(await this.sendBatch(exchangeSeconds))) return false;
    }
    return true;
  }

  private async sendBatch(exchangeSeconds: number): Promise<boolean> {
    const batch = this.queue.takeBatch(this.batchRecordsMax);
    const heard = await this.heard(batch, exchangeSeconds);
    return this.follow(batchVerdict(heard, batch.length), batch, heard);
  }

  private async heard(batch: readonly string[], exchangeSeconds: number): Promise<Heard> {
    const patience = Math.min(EXCHANGE_SECONDS_MAX, EXCHANGE_SECONDS_FIRST * 2 ** Math.min(this.failures, 5));
    try {
      return await this.edge.ask(await questionOf(batch), Math.min(patience, exchangeSeconds));
    } catch (error) {
      // A mistake of ours may cost a delay, never the batch.
      return { kind: 'unheard', reason: error instanceof Error ? error.name : 'unknown', isSent: false };
    }
  }

  private follow(verdict: Verdict, batch: readonly string[], heard: Heard): boolean {
    switch (verdict.fate) {
      case 'halve':
        this.batchRecordsMax = Math.max(1, Math.floor(batch.length / 2));
        this.queue.putBack(batch);
        return true;
      case 'later':
        this.queue.putBack(batch);
        return this.pause(verdict.retryAfterSeconds);
      case 'stop':
        this.queue.putBack(batch);
        return this.stop(heard);
      case 'drop':
        return this.taken(batch, [], 1);
      case 'done':
        return this.taken(batch, verdict.again, verdict.dropped);
    }
  }

  private taken(batch: readonly string[], indexes: readonly number[], dropped: number): boolean {
    const again = indexes.map((index) => batch[index] as string);
    this.queue.drop(dropped);
    this.queue.finished += batch.length - again.length - dropped;
    this.queue.putBack(again);
    // What was no good, or too much, was found by halving; from there on batches grow again.
    this.batchRecordsMax = Math.min(BATCH_RECORDS_MAX, this.batchRecordsMax * 2);
    if (again.length > 0) return this.pause(null);
    this.failures = 0;
    this.notBefore = 0;
    this.isStopped = false;
    warnAgain('reports');
    this.tellDropped();
    return true;
  }

  private pause(leastSeconds: number | null): false {
    this.failures += 1;
    this.isStopped = false;
    this.notBefore = now() + delaySeconds(this.failures, Math.random(), leastSeconds);
    return false;
  }

  private stop(heard: Heard): false {
    this.failures += 1;
    this.isStopped = true;
    this.notBefore = now() + STOPPED_SECONDS;
    warnOnce('reports', `reports of calls are not taken, and wait: ${reasonOf(heard)}`);
    return false;
  }

  private tellDropped(): void {
    const count = this.queue.dropped - this.toldDropped;
    this.toldDropped = this.queue.dropped;
    if (count > 0) console.warn(`agentwatch: ${count} reports of calls were dropped: not taken in time, or at all`);
  }
}

/** Monotonic seconds. */
export function now(): number {
  return performance.now() / 1_000;
}

/** What the promise says, or null when time is up. The timer is of whoever waits: it is their process. */
async function within(seconds: number, promise: Promise<boolean> | null): Promise<boolean | null> {
  let timer: unknown = null;
  const late = new Promise<null>((resolve) => {
    timer = setTimeout(resolve, seconds * 1_000, null);
  });
  try {
    return await (promise === null ? late : Promise.race([promise, late]));
  } finally {
    clearTimeout(timer as number);
  }
}

async function questionOf(batch: readonly string[]): Promise<Question> {
  const body = batchOf(batch);
  const question: Question = { method: 'POST', path: '/v1/ingest', body, headers: JSON_HEADERS };
  if (body.length < GZIP_BYTES_MIN || globalThis.CompressionStream === undefined) return question;
  const zipped = new Blob([body]).stream().pipeThrough(new CompressionStream('gzip'));
  const bytes = new Uint8Array(await new Response(zipped).arrayBuffer());
  return { ...question, body: bytes, headers: { ...JSON_HEADERS, 'content-encoding': 'gzip' } };
}
