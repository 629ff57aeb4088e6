/**
 * An answer as it comes, whole or in pieces: its model, its usage, how much was written, and whether it has ended.
 *
 * Numbers only, with one exception that never leaves: the text of a stream is gathered, within a bound, to look for
 * personal data in it when it ends. The end is the protocol's, not the transport's.
 */

import type { CallFacts, Dialect, Usage } from '../calls.ts';
import { isObject, utf8BytesOf } from './request.ts';
import { estimatedUsage, newerUsage, usageOf } from './usage.ts';

/** Code units of an answer's text that are looked through. */
const TEXT_UNITS_MAX = 256 * 1024;
const LAST_EVENTS = new Set(['response.completed', 'response.incomplete', 'response.failed', 'error', 'message_stop']);
/** A background answer that is not done has no usage yet, which is not the same as none. */
const UNFINISHED = new Set(['queued', 'in_progress']);

/** What a call is reported with. */
export interface Settled {
  readonly usage: Usage | null;
  readonly isEstimated: boolean;
}

export class AnswerReading {
  model: string | null = null;
  /** Of the answer, where it has one that can be asked for again. */
  responseId: string | null = null;
  hasEnded = false;
  hasFailed = false;
  isUnfinished = false;
  errorCode: string | null = null;
  outputBytes = 0;
  private readonly dialect: Dialect;
  private counts: Readonly<Record<string, unknown>> | null = null;
  private readonly texts = new Map<string, string>();
  private textUnits = 0;

  constructor(dialect: Dialect) {
    this.dialect = dialect;
  }

  get usage(): Usage | null {
    return usageOf(this.counts, this.dialect);
  }

  get hasBegun(): boolean {
    return this.outputBytes > 0 || this.usage !== null;
  }

  /** The provider's counts. Before the last of them the output is counted by its text, and without any all is. */
  settled(facts: CallFacts, outputBytes: number | null): Settled {
    const told = this.usage;
    const estimate = estimatedUsage(facts, outputBytes);
    if (told === null) return { usage: estimate, isEstimated: true };
    if (this.hasEnded) return { usage: told, isEstimated: false };
    const written = Math.max(told.completion_tokens, estimate.completion_tokens);
    return { usage: { ...told, completion_tokens: written }, isEstimated: true };
  }

  /** What was said, one text for each choice, block or call, so that neighbours do not fuse. */
  get text(): readonly string[] {
    return [...this.texts.values()];
  }

  /** A whole answer. */
  whole(answer: unknown): void {
    this.hasEnded = true;
    if (!isObject(answer)) return;
    this.about(answer);
    this.counts = newerUsage(null, answer['usage']);
    this.hasFailed = answer['status'] === 'failed';
  }

  /** One event of a stream. */
  event(event: unknown): void {
    if (!isObject(event)) return;
    const type = typeof event['type'] === 'string' ? event['type'] : '';
    if (LAST_EVENTS.has(type)) this.hasEnded = true;
    if (type === 'response.failed' || type === 'error') this.hasFailed = true;
    if (this.dialect === 'openai_responses') this.responsesEvent(event, type);
    else if (this.dialect === 'anthropic_messages') this.messagesEvent(event);
    else this.chunk(event);
  }

  private about(answer: Record<string, unknown>): void {
    if (typeof answer['model'] === 'string') this.model = answer['model'];
    if (typeof answer['id'] === 'string') this.responseId = answer['id'];
    this.isUnfinished = typeof answer['status'] === 'string' && UNFINISHED.has(answer['status']);
    const error = answer['error'];
    if (isObject(error) && typeof error['code'] === 'string') this.errorCode = error['code'];
  }

  private chunk(chunk: Record<string, unknown>): void {
    this.about(chunk);
    const groq = chunk['x_groq'];
    this.counts = newerUsage(this.counts, chunk['usage'] ?? (isObject(groq) ? groq['usage'] : null));
    for (const choice of Array.isArray(chunk['choices']) ? chunk['choices'] : []) {
      if (!isObject(choice)) continue;
      if (choice['finish_reason'] != null) this.hasEnded = true;
      const place = String(choice['index'] ?? 0);
      this.written(place, choice['text']);
      if (isObject(choice['delta'])) this.delta(place, choice['delta']);
    }
  }

  private delta(place: string, delta: Record<string, unknown>): void {
    for (const name of ['content', 'reasoning', 'reasoning_content', 'refusal'])
      this.written(`${place} ${name}`, delta[name]);
    for (const call of Array.isArray(delta['tool_calls']) ? delta['tool_calls'] : []) {
      if (!isObject(call) || !isObject(call['function'])) continue;
      this.written(`${place} call ${String(call['index'] ?? 0)}`, call['function']['arguments']);
      this.written(`${place} name ${String(call['index'] ?? 0)}`, call['function']['name']);
    }
  }

  private responsesEvent(event: Record<string, unknown>, type: string): void {
    const response = event['response'];
    if (isObject(response)) {
      this.about(response);
      this.counts = newerUsage(this.counts, response['usage']);
    }
    if (type.endsWith('.delta')) {
      const place = [event['output_index'], event['content_index'] ?? event['summary_index'], type].join(' ');
      this.written(place, event['delta']);
    }
  }

  private messagesEvent(event: Record<string, unknown>): void {
    const message = event['message'];
    if (isObject(message)) {
      this.about(message);
      this.counts = newerUsage(this.counts, message['usage']);
    }
    this.counts = newerUsage(this.counts, event['usage']);
    const delta = event['delta'];
    if (!isObject(delta)) return;
    const place = String(event['index'] ?? 0);
    for (const name of ['text', 'partial_json', 'thinking']) this.written(`${place} ${name}`, delta[name]);
  }

  private written(place: string, text: unknown): void {
    if (typeof text !== 'string' || text === '') return;
    this.outputBytes += utf8BytesOf(text);
    const kept = text.slice(0, Math.max(0, TEXT_UNITS_MAX - this.textUnits));
    if (kept === '') return;
    this.textUnits += kept.length;
    this.texts.set(place, (this.texts.get(place) ?? '') + kept);
  }
}
