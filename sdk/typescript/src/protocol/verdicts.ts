/**
 * What an answer means for whoever asked: for the sender of reports what becomes of the batch, for a question before a
 * call whether AgentWatch is away, was told something wrong, or said something.
 *
 * The rule easy to break: a wrong token or address is no outage. It is said once, loudly, and waits for no recovery; an
 * outage is waited out.
 */

import { mappingOf, numberOf } from './numbers.ts';
import { documentOf, type Answer, type Heard } from './question.ts';

export const RETRY_AFTER_SECONDS_MAX = 60;
export const DELAY_SECONDS_FIRST = 0.5;
export const DELAY_SECONDS_MAX = 60;
/** How long reports wait where the token or the address is wrong: it may only not be known everywhere yet. */
export const STOPPED_SECONDS = 60;

const CODE = /^[\x20-\x7e]{1,64}$/;

/**
 * Of a batch of reports. `drop`: this one report is no good, and never will be. `halve`: something in it is no good, or
 * all of it is too much. `stop`: no report gets through as things are.
 */
export type Verdict =
  | { readonly fate: 'done'; readonly again: readonly number[]; readonly dropped: number }
  | { readonly fate: 'later'; readonly retryAfterSeconds: number | null }
  | { readonly fate: 'drop' | 'halve' | 'stop' };

/** What becomes of a batch of so many reports. */
export function batchVerdict(heard: Heard, count: number): Verdict {
  if (heard.kind === 'unheard') return { fate: 'later', retryAfterSeconds: null };
  const { status } = heard;
  if (status >= 200 && status < 300) return taken(documentOf(heard), count);
  if ([408, 425, 429].includes(status) || status >= 500) {
    return { fate: 'later', retryAfterSeconds: retryAfterSeconds(heard) };
  }
  if ([400, 409, 413, 415, 422].includes(status)) return { fate: count === 1 ? 'drop' : 'halve' };
  return { fate: 'stop' };
}

function taken(document: unknown, count: number): Verdict {
  const refused = mappingOf(document)?.['refused'];
  const again = new Set<number>();
  const dropped = new Set<number>();
  for (const entry of (Array.isArray(refused) ? (refused as unknown[]) : []).map(mappingOf)) {
    const index = entry?.['index'];
    if (typeof index !== 'number' || !Number.isInteger(index) || index < 0 || index >= count) continue;
    (entry?.['retryable'] === true ? again : dropped).add(index);
  }
  for (const index of again) dropped.delete(index);
  return { fate: 'done', again: [...again].sort((a, b) => a - b), dropped: dropped.size };
}

/** When to ask again, in milliseconds where that is said. A date is none: clocks differ. */
export function retryAfterSeconds(answer: Answer): number | null {
  for (const [name, unit] of [['retry-after-ms', 0.001], ['retry-after', 1]] as const) {
    const value = numberOf(answer.headers.get(name));
    if (value !== null && value >= 0) return Math.min(RETRY_AFTER_SECONDS_MAX, value * unit);
  }
  return null;
}

/** How long to wait after so many failures in a row. `chance` of [0, 1) spreads those who failed together. */
export function delaySeconds(failures: number, chance: number, least: number | null): number {
  const delay = Math.min(DELAY_SECONDS_MAX, DELAY_SECONDS_FIRST * 2 ** Math.min(Math.max(0, failures - 1), 10));
  return Math.max(delay * (0.5 + chance / 2), (least ?? 0) * (1 + chance / 10));
}

/** Of AgentWatch. `busy`: it refuses this question for now. `misused`: the token, address or question is wrong. */
export type Standing = 'sound' | 'away' | 'busy' | 'misused';

export function standingBy(heard: Heard): Standing {
  if (heard.kind === 'unheard' || heard.status >= 500 || heard.status === 408) return 'away';
  if (heard.status === 429) return 'busy';
  return heard.status === 200 || heard.status === 402 ? 'sound' : 'misused';
}

/** Why nobody could say, for people. Of an answer its own code is told and none of its text. */
export function reasonOf(heard: Heard): string {
  if (heard.kind === 'unheard') return heard.reason;
  const code = mappingOf(mappingOf(documentOf(heard))?.['error'])?.['code'];
  const told = typeof code === 'string' && CODE.test(code) ? ` (${code})` : '';
  const hints: Record<number, string> = { 401: ': is agentwatchApiKey right?', 404: ': is agentwatchBaseURL right?' };
  return `AgentWatch answered ${heard.status}${told}${hints[heard.status] ?? ''}`;
}
