/**
 * One call of a watched client, from its request to the one end that is reported.
 *
 * Nothing here reads an answer by itself: it sees what the user's own reading brings. The rules easy to break: what is
 * ours may not disturb the call, so it is caught exactly around our lines and nowhere else; and a watch must hold no
 * response, or no abandoned one would ever be collected and settled.
 */

import type { CallEnd, Outcome, Usage } from '../calls.ts';
import { AgentWatchError } from '../errors.ts';
import { AnswerReading, type Settled } from './answers.ts';
import type { BackgroundAnswers } from './background.ts';
import { documentOf, failureOf, withCause } from './failures.ts';
import type { ClientGuard, Collaborators, OpenCall, RequestOptions } from './interfaces.ts';
import { aroundIterator, responsePropsOf } from './privateNames.ts';
import { isObject } from './request.ts';

/** What the watches of one guard share. */
export interface WatchContext {
  readonly guard: ClientGuard;
  readonly collaborators: Collaborators;
  /** Answers that are written after their call has returned. */
  readonly background: BackgroundAnswers;
}

const UNBILLED: Settled = { usage: null, isEstimated: false };

/** Settles what its user has dropped. Made at the first call, since a Worker may make nothing while it starts. */
let abandoned: FinalizationRegistry<{ readonly watch: Watch; readonly turn: number }> | null = null;

export class Watch {
  attempts = 0;
  isRequesting = false;
  /** The request is on its way, so it may be billed. */
  isSent = false;
  /** The SDK asked for the stream's usage, not the user, who must not see it. */
  hasAddedUsage = false;
  /** It may be asked for: the server takes the field, and the user has not said anything about it. */
  mayAddUsage = false;
  /** The request said that the answer goes on without its call. */
  isBackground = false;
  /** What it answers cannot be read along. */
  isUnwatchable = false;
  call: OpenCall | null = null;
  private readonly context: WatchContext;
  private reading: AnswerReading | null = null;
  private isOver = false;
  /** How many times the SDK has asked for a response to read. */
  private turn = 0;
  private isAborted = false;
  /** How many events the user is waiting for. */
  private pulls = 0;
  private status: number | null = null;
  private ttfbMs: number | null = null;
  private readonly startedAtMs = Date.now();

  constructor(context: WatchContext) {
    this.context = context;
  }

  begun(call: OpenCall): void {
    this.call = call;
    this.reading = new AnswerReading(call.facts.dialect);
  }

  /** Runs all attempts of the call; what it throws is what the user gets. */
  async requested(send: () => Promise<unknown>): Promise<unknown> {
    this.isRequesting = true;
    this.attempts += 1;
    this.turn += 1;
    try {
      const props = await send();
      quietly(() => this.responded(props));
      if (this.isUnwatchable) this.unwatchable();
      return props;
    } catch (error) {
      throw this.failed(error);
    } finally {
      this.isRequesting = false;
    }
  }

  /** What the user's own parsing has read. Hands back the same. */
  parsed(data: unknown, options: RequestOptions | null): unknown {
    quietly(() => {
      if (this.isOver || this.reading === null) return;
      if (options?.stream === true && isObject(data)) this.observe(data);
      else this.answered(data);
    });
    return data;
  }

  /** Nobody will read the rest: settled at what was seen, or at the estimate where nothing was. */
  dropped(): void {
    quietly(() => {
      const outcome = this.call?.facts.isStreaming === true ? 'client_disconnected' : 'complete';
      this.finish(outcome, this.reading?.outputBytes || null);
    });
  }

  /** The response is gone, and so is whoever had it; unless the SDK has asked for another, the first being slow. */
  collected(turn: number): void {
    quietly(() => {
      if (turn === this.turn && !this.isInBackground()) this.dropped();
    });
  }

  /** The SDK cannot be watched as it reads: the call is settled as soon as it has an answer. */
  unwatchable(): void {
    quietly(() => {
      this.context.collaborators.warnOnce(
        'unwatchable',
        'this version of the SDK cannot be read along: calls are estimated',
      );
      this.finish('complete', null);
    });
  }

  private responded(props: unknown): void {
    const known = responsePropsOf(props);
    if (known === null || this.call === null) return;
    this.status = known.response.status;
    this.ttfbMs = Date.now() - this.startedAtMs;
    if (typeof FinalizationRegistry !== 'function') return;
    abandoned ??= new FinalizationRegistry(({ watch, turn }) => watch.collected(turn));
    abandoned.register(known.response, { watch: this, turn: this.turn });
  }

  private answered(data: unknown): void {
    const reading = this.reading;
    if (reading === null) return;
    reading.whole(data);
    if (this.isInBackground()) return;
    this.finish(reading.hasFailed ? 'failed' : 'complete', null, data);
  }

  private observe(stream: Record<string, unknown>): void {
    if (!aroundIterator(stream, (inner) => this.observing(inner))) return this.unwatchable();
    const controller = stream['controller'];
    if (controller instanceof AbortController) {
      controller.signal.addEventListener('abort', () => this.aborted(), { once: true });
    }
  }

  /** In the user's own pull: no second reader, and nothing is read ahead. */
  private observing(inner: AsyncIterator<unknown>): AsyncIterator<unknown> {
    const leave = async (value?: unknown): Promise<IteratorResult<unknown>> => {
      this.left();
      return inner.return === undefined ? { done: true, value } : inner.return(value);
    };
    const iterator = {
      next: () => this.pulled(inner),
      return: leave,
      throw: async (error?: unknown): Promise<IteratorResult<unknown>> => {
        this.left();
        if (inner.throw === undefined) throw error;
        return inner.throw(error);
      },
      [Symbol.asyncIterator]() {
        return this;
      },
    };
    const dispose: symbol | undefined = (Symbol as { asyncDispose?: symbol }).asyncDispose;
    if (dispose !== undefined) Object.assign(iterator, { [dispose]: async () => void (await leave()) });
    return iterator;
  }

  private async pulled(inner: AsyncIterator<unknown>): Promise<IteratorResult<unknown>> {
    for (;;) {
      const result = await this.next(inner);
      if (result.done === true) {
        if (this.isAborted) this.left();
        else quietly(() => this.exhausted());
        return result;
      }
      const cut = this.seen(result.value);
      if (cut !== null) {
        await inner.return?.().catch(() => undefined);
        throw cut;
      }
      if (!this.isOurs(result.value)) return result;
    }
  }

  private async next(inner: AsyncIterator<unknown>): Promise<IteratorResult<unknown>> {
    this.pulls += 1;
    try {
      return await inner.next();
    } catch (error) {
      throw this.failed(error);
    } finally {
      this.pulls -= 1;
    }
  }

  /** The SDKs abort after an error too, before they hand it out: where somebody reads, that tells which it is. */
  private aborted(): void {
    this.isAborted = true;
    if (this.pulls === 0) this.left();
  }

  /** Reads one event; an error where it says that the budget has cut the stream. */
  private seen(event: unknown): Error | null {
    try {
      this.reading?.event(event);
      if (isObject(event) && event['type'] === 'response.failed') {
        const exceeded = this.exceeded(event, event);
        if (exceeded !== null) this.finish('failed', null);
        return exceeded;
      }
    } catch {
      // A shape that nobody expected costs the count of this event.
    }
    return null;
  }

  /** The chunk that only came because the SDK asked for usage; takes the empty field out of all others. */
  private isOurs(event: unknown): boolean {
    if (!this.hasAddedUsage || !isObject(event) || !('usage' in event)) return false;
    if (event['usage'] === null) delete event['usage'];
    const choices = event['choices'];
    return Array.isArray(choices) && choices.length === 0 && event['usage'] != null;
  }

  /** OpenAI's chunks have no last one of their own. Elsewhere a stream without its last event was cut on its way. */
  private exhausted(): void {
    const { call, reading } = this;
    if (call === null || reading === null || this.isInBackground()) return;
    reading.hasEnded ||= call.facts.dialect === 'openai_chat' || call.facts.dialect === 'openai_completions';
    if (!reading.hasEnded) reading.errorCode ??= 'stream_truncated';
    this.finish(reading.hasEnded && !reading.hasFailed ? 'complete' : 'failed', reading.outputBytes);
  }

  /** Break, `return()`, or the controller's abort: not an early exit where the answer had ended. */
  private left(): void {
    quietly(() => {
      if (this.reading === null || this.isOver || this.isInBackground()) return;
      const isWhole = this.reading.hasEnded && !this.reading.hasFailed;
      this.finish(isWhole ? 'complete' : 'client_disconnected', this.reading.outputBytes);
    });
  }

  /** An answer that goes on without its call is settled when somebody asks for it. */
  private isInBackground(): boolean {
    const { call, reading } = this;
    if (reading?.responseId == null || !reading.isUnfinished || call?.reports !== true) return false;
    if (call.facts.dialect !== 'openai_responses' || !this.isBackground) return false;
    this.context.background.keep(reading.responseId, this);
    return true;
  }

  private failed(error: unknown): unknown {
    if (error instanceof AgentWatchError) return error;
    let thrown = error;
    quietly(() => {
      const failure = failureOf(error);
      const exceeded = this.exceeded(documentOf(error), error);
      if (exceeded !== null) thrown = exceeded;
      if (failure.status !== null) this.status = failure.status;
      if (exceeded === null && this.isInBackground()) return;
      const { usage, isEstimated } = this.billedOnFailure(failure.isInterrupted && exceeded === null);
      const code = exceeded?.code ?? failure.code;
      this.end(failure.isUsers ? 'client_disconnected' : 'failed', usage, { isEstimated, code, risks: [] });
    });
    return thrown;
  }

  /** Of a stream that broke: what it had. Of a call that was interrupted on its way: the estimate. Else nothing. */
  private billedOnFailure(isInterrupted: boolean): Settled {
    const { call, reading } = this;
    if (call === null || reading === null) return UNBILLED;
    if (reading.hasBegun) return reading.settled(call.facts, reading.outputBytes);
    return isInterrupted && this.isSent ? reading.settled(call.facts, null) : UNBILLED;
  }

  /** Only AgentWatch's own word counts, so only where the call went through it. */
  private exceeded(document: unknown, cause: unknown): (Error & { code: string }) | null {
    if (this.call === null || !this.context.guard.settings.isProxied || this.call.reports || document === null)
      return null;
    const error = this.context.collaborators.budgetErrorOf(document, this.call.session.id);
    return error === null ? null : withCause(error, cause);
  }

  private finish(outcome: Outcome, outputBytes: number | null, answer: unknown = this.reading?.text): void {
    const { call, reading } = this;
    if (call === null || reading === null || this.isOver) return;
    const { usage, isEstimated } = reading.settled(call.facts, outputBytes);
    this.end(outcome, usage, { isEstimated, risks: this.risksOf(answer), code: reading.errorCode });
  }

  private risksOf(answer: unknown): readonly string[] {
    try {
      return this.context.guard.settings.riskTags ? this.context.collaborators.riskTagsOf(answer) : [];
    } catch {
      return [];
    }
  }

  private end(
    outcome: Outcome,
    usage: Usage | null,
    more: { readonly isEstimated: boolean; readonly risks: readonly string[]; readonly code: string | null },
  ): void {
    if (this.call === null || this.isOver) return;
    this.isOver = true;
    const end: CallEnd = {
      outcome,
      usage,
      isEstimated: more.isEstimated,
      model: this.reading?.model ?? null,
      status: this.status,
      errorCode: more.code,
      ttfbMs: this.ttfbMs,
      attempts: Math.max(1, this.attempts),
      risks: more.risks,
    };
    this.call.end(end);
  }
}

/** Runs what is ours. Where it fails, the user's call goes on as if it were not there. */
function quietly(ours: () => void): void {
  try {
    ours();
  } catch {
    // Lost: a count. Kept: the call.
  }
}
