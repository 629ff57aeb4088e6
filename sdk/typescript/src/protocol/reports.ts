/**
 * A report: one logical call as `POST /v1/ingest` takes it, and many of them as one body.
 *
 * Counts and names only. A part of the tokens is said where there is any; a count can never be negative, nor a name
 * longer than the server takes, since a report that is refused is a call that nobody pays attention to.
 */

import type { CallEnd, CallFacts, Usage } from '../calls.ts';
import { said } from './said.ts';

export const NAME_CHARACTERS_MAX = 256;
const COUNT_MAX = 1e9;

/** Whose call it was, which one of the session's, and when. */
export interface CallOwner {
  readonly eventId: string;
  readonly sessionId: string;
  readonly project: string | null;
  readonly team: string | null;
  readonly agent: string | null;
  readonly iteration: number;
  readonly startedAtMs: number;
  readonly latencyMs: number;
}

/** Of `Usage`, what part of the tokens has a rate of its own; the compiler says where one is missing. */
const PARTS: Record<Exclude<keyof Usage, 'prompt_tokens' | 'completion_tokens'>, true> = {
  cached_input_tokens: true,
  cache_write_5m_tokens: true,
  cache_write_1h_tokens: true,
  audio_input_tokens: true,
  cached_audio_input_tokens: true,
  image_input_tokens: true,
  reasoning_tokens: true,
  audio_output_tokens: true,
  image_output_tokens: true,
  web_search_calls: true,
};

export function reportOf(facts: CallFacts, end: CallEnd, owner: CallOwner): Record<string, unknown> {
  return said({
    model: nameOf(end.model) ?? nameOf(facts.model) ?? 'unknown',
    provider: nameOf(facts.provider),
    dialect: facts.dialect,
    ...countsOf(end.usage),
    latency_ms: milliseconds(owner.latencyMs),
    session_id: owner.sessionId,
    iteration_index: owner.iteration,
    identified_risks: [...new Set([...facts.risks, ...end.risks])],
    project: owner.project,
    agent: owner.agent,
    team: owner.team,
    event_id: owner.eventId,
    // Without counts nothing is known to be complete: it would be taken for a call that cost nothing.
    outcome: end.usage === null && end.outcome === 'complete' ? 'failed' : end.outcome,
    status: end.status,
    attempts: Math.max(1, end.attempts),
    is_estimated: end.isEstimated || null,
    is_streaming: facts.isStreaming,
    ttfb_ms: end.ttfbMs === null ? null : milliseconds(end.ttfbMs),
    error_code: nameOf(end.errorCode),
    started_at_ms: owner.startedAtMs,
  });
}

/** Encoded reports as one body. One alone is a report as it is, which every server takes. */
export function batchOf(reports: readonly string[]): string {
  const [first] = reports;
  return reports.length === 1 && first !== undefined ? first : `{"reports":[${reports.join(',')}]}`;
}

function countsOf(usage: Usage | null): Record<string, number> {
  const counts: Record<string, number> = {
    prompt_tokens: count(usage?.prompt_tokens),
    completion_tokens: count(usage?.completion_tokens),
  };
  for (const part of Object.keys(PARTS) as (keyof typeof PARTS)[]) {
    const tokens = count(usage?.[part]);
    if (tokens > 0) counts[part] = tokens;
  }
  return counts;
}

/** As the server takes it; null where there is none. */
export function nameOf(text: string | null): string | null {
  return text ? text.slice(0, NAME_CHARACTERS_MAX) : null;
}

function count(value: number | undefined): number {
  return Math.min(COUNT_MAX, Math.max(0, Math.trunc(value ?? 0) || 0));
}

function milliseconds(value: number): number {
  return Math.round(Math.max(0, value) * 1_000) / 1_000;
}
