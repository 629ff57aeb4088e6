/**
 * Usage objects of each dialect as the counts of a report, and the estimate where a provider says nothing.
 *
 * Pure. Absent is not zero: an answer without usage has none here. The rule easy to break: `prompt_tokens` of a report
 * is everything that was sent, and Anthropic's `input_tokens` leaves out what was cached or written to the cache.
 */

import type { CallFacts, Dialect, Usage } from '../calls.ts';
import { isObject } from './request.ts';

type Counts = Readonly<Record<string, unknown>>;

/** What a token of text has on average; of an estimate, so neither a floor nor a ceiling. */
const BYTES_PER_TOKEN = 4;
/** A picture of 1024 by 1024 as the middle-sized models count it. */
const TOKENS_PER_IMAGE = 1_000;
/** Of an answer that nobody here has seen: what most are below, and the ceiling where that is lower. */
const UNSEEN_OUTPUT_TOKENS = 1_000;

/** null where the object is missing, or counts nothing at all. */
export function usageOf(usage: unknown, dialect: Dialect): Usage | null {
  if (!isObject(usage)) return null;
  return dialect === 'anthropic_messages' ? anthropicUsage(usage) : openAIUsage(usage);
}

/** `outputBytes` null: nobody has seen the answer. */
export function estimatedUsage(facts: CallFacts, outputBytes: number | null): Usage {
  const unseen = Math.min(facts.outputTokensMax ?? UNSEEN_OUTPUT_TOKENS, UNSEEN_OUTPUT_TOKENS) * facts.choices;
  const output = outputBytes === null ? unseen : Math.ceil(outputBytes / BYTES_PER_TOKEN);
  return {
    prompt_tokens: Math.ceil(facts.inputBytes / BYTES_PER_TOKEN) + facts.images * TOKENS_PER_IMAGE,
    completion_tokens: facts.dialect === 'openai_embeddings' ? 0 : output,
  };
}

function openAIUsage(usage: Counts): Usage | null {
  const prompt = count(usage, 'prompt_tokens', 'input_tokens');
  const completion = count(usage, 'completion_tokens', 'output_tokens');
  const total = count(usage, 'total_tokens');
  if (prompt === null && completion === null && total === null) return null;
  const inside = inner(usage, 'prompt_tokens_details', 'input_tokens_details');
  const outside = inner(usage, 'completion_tokens_details', 'output_tokens_details');
  const sent = prompt ?? 0;
  const heard = count(inside, 'audio_tokens') ?? 0;
  const heardBefore = Math.min(heard, count(inner(inside, 'cached_tokens_details'), 'audio_tokens') ?? 0);
  return withoutZeros({
    prompt_tokens: sent,
    completion_tokens: writtenOf(sent, completion ?? 0, total, count(outside, 'reasoning_tokens') ?? 0),
    cached_input_tokens: Math.max(0, Math.min(sent, count(inside, 'cached_tokens') ?? 0) - heardBefore),
    cache_write_5m_tokens: count(inside, 'cache_write_tokens') ?? 0,
    audio_input_tokens: heard - heardBefore,
    cached_audio_input_tokens: heardBefore,
    image_input_tokens: count(inside, 'image_tokens') ?? 0,
    reasoning_tokens: count(outside, 'reasoning_tokens') ?? 0,
    audio_output_tokens: count(outside, 'audio_tokens') ?? 0,
    image_output_tokens: count(outside, 'image_tokens') ?? 0,
  });
}

/** xAI and Gemini leave thought out of `completion_tokens`, but not out of the total. */
function writtenOf(sent: number, completion: number, total: number | null, reasoning: number): number {
  if (total !== null) return completion + Math.max(0, total - sent - completion);
  return reasoning > completion ? completion + reasoning : completion;
}

function anthropicUsage(usage: Counts): Usage | null {
  const counted = ['input_tokens', 'output_tokens', 'cache_read_input_tokens', 'cache_creation_input_tokens'];
  if (counted.every((name) => count(usage, name) === null)) return null;
  const turns = Array.isArray(usage['iterations']) ? usage['iterations'].filter(isObject) : [];
  // What is no turn of the message itself, a compaction for one, stands here alone.
  const aside = turns.filter((turn) => typeof turn['type'] === 'string' && !['', 'message'].includes(turn['type']));
  const parts = [usage, ...aside];
  const sum = (of: (part: Counts) => number): number => parts.reduce((total, part) => total + of(part), 0);
  const anHour = sum((part) => count(inner(part, 'cache_creation'), 'ephemeral_1h_input_tokens') ?? 0);
  const written = sum((part) => writtenToCache(part));
  const cached = sum((part) => count(part, 'cache_read_input_tokens') ?? 0);
  return withoutZeros({
    prompt_tokens: sum((part) => count(part, 'input_tokens') ?? 0) + cached + written,
    completion_tokens: sum((part) => count(part, 'output_tokens') ?? 0),
    cached_input_tokens: cached,
    cache_write_5m_tokens: written - Math.min(anHour, written),
    cache_write_1h_tokens: Math.min(anHour, written),
    reasoning_tokens: count(inner(usage, 'output_tokens_details'), 'thinking_tokens') ?? 0,
    web_search_calls: count(inner(usage, 'server_tool_use'), 'web_search_requests') ?? 0,
  });
}

function writtenToCache(part: Counts): number {
  const lives = inner(part, 'cache_creation');
  const both = (count(lives, 'ephemeral_5m_input_tokens') ?? 0) + (count(lives, 'ephemeral_1h_input_tokens') ?? 0);
  return Math.max(count(part, 'cache_creation_input_tokens') ?? 0, both);
}

/** The last of a stream's cumulative counts, field by field: a later event may leave out what an earlier one had. */
export function newerUsage(before: Counts | null, later: unknown): Counts | null {
  if (!isObject(later)) return before;
  const told = Object.entries(later).filter(([, value]) => value != null);
  return { ...before, ...Object.fromEntries(told) };
}

function count(object: Counts, ...names: readonly string[]): number | null {
  for (const name of names) {
    const value = object[name];
    if (typeof value === 'number' && Number.isFinite(value) && value >= 0) return Math.floor(value);
  }
  return null;
}

function inner(object: Counts, ...names: readonly string[]): Counts {
  for (const name of names) {
    const value = object[name];
    if (isObject(value)) return value;
  }
  return {};
}

function withoutZeros(usage: Usage): Usage {
  const kept = Object.entries(usage).filter(
    ([name, value]) => value !== 0 || name === 'prompt_tokens' || name === 'completion_tokens',
  );
  return Object.fromEntries(kept) as unknown as Usage;
}
