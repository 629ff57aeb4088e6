/**
 * A hold: the question that asks for a call's money before it is sent, and what was granted.
 *
 * The hold's id is the `event_id` of the report that settles it, so a call that is never made releases the hold by a
 * report of nothing. The rule easy to break: what the server would not take is brought within its bounds, since a
 * question that is refused for its form is a call that nothing holds for.
 */

import type { CallFacts } from '../calls.ts';
import { mappingOf } from './numbers.ts';
import { JSON_HEADERS, type Question } from './question.ts';
import { nameOf } from './reports.ts';
import { said } from './said.ts';

const BYTES_MAX = 2 ** 31;
const TOKENS_MAX = 2 ** 31;
const IMAGES_MAX = 4_000;
const CHOICES_MAX = 1_000;
const SEARCHES_MAX = 10_000;
const TOOLS_MAX = 64;

/** Whose money, beside what the call is. */
export interface HoldAsked {
  readonly holdId: string;
  readonly sessionId: string;
  readonly sessionBudgetUsd: string | null;
  readonly project: string | null;
  readonly agent: string | null;
  readonly iteration: number;
}

export interface HoldGranted {
  /** Only so much output is paid for. null: all that the request may make. */
  readonly outputTokensMax: number | null;
}

export function holdQuestion(facts: CallFacts, asked: HoldAsked): Question {
  const [ceiling, searches] = [facts.outputTokensMax, facts.webSearchCallsMax];
  const tools = facts.providerTools.slice(0, TOOLS_MAX).map(nameOf).filter((tool) => tool !== null);
  const document = {
    hold_id: asked.holdId,
    provider: nameOf(facts.provider),
    model: nameOf(facts.model) ?? 'unknown',
    dialect: facts.dialect,
    is_streaming: facts.isStreaming,
    input_bytes: Math.min(BYTES_MAX, facts.inputBytes),
    images: Math.min(IMAGES_MAX, facts.images),
    has_unsized_input: facts.hasUnsizedInput,
    output_tokens_max: ceiling === null ? null : Math.max(1, Math.min(TOKENS_MAX, ceiling)),
    choices: Math.max(1, Math.min(CHOICES_MAX, facts.choices)),
    provider_tools: tools.length > 0 ? tools : null,
    web_search_calls_max: searches === null ? null : Math.max(1, Math.min(SEARCHES_MAX, searches)),
    session_id: asked.sessionId,
    session_budget_usd: asked.sessionBudgetUsd,
    project: asked.project,
    agent: asked.agent,
    iteration_index: asked.iteration,
  };
  return { method: 'POST', path: '/v1/holds', body: JSON.stringify(said(document)), headers: JSON_HEADERS };
}

/** What was granted; null where that is no answer to this hold. */
export function holdGrantedOf(document: unknown, holdId: string): HoldGranted | null {
  const answer = mappingOf(document);
  if (answer === null || answer['hold_id'] !== holdId) return null;
  const most = answer['output_tokens_max'] ?? null;
  if (most === null) return { outputTokensMax: null };
  return typeof most === 'number' && Number.isInteger(most) && most >= 1 ? { outputTokensMax: most } : null;
}
