/** Usage objects of each dialect as counts of a report. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CallFacts, Dialect } from '../../src/calls.ts';
import { AnswerReading } from '../../src/clients/answers.ts';
import { estimatedUsage, newerUsage, usageOf } from '../../src/clients/usage.ts';

const CASES: readonly (readonly [string, Dialect, unknown, unknown])[] = [
  ['absent is not zero', 'openai_chat', undefined, null],
  ['null is not zero', 'openai_responses', null, null],
  ['an object that counts nothing is none', 'anthropic_messages', { service_tier: 'standard' }, null],
  [
    'zero is a count',
    'openai_chat',
    { prompt_tokens: 0, completion_tokens: 0 },
    { prompt_tokens: 0, completion_tokens: 0 },
  ],
  [
    'words and negatives are no counts',
    'openai_chat',
    { prompt_tokens: '7', completion_tokens: -1, total_tokens: 3 },
    { prompt_tokens: 0, completion_tokens: 3 },
  ],
  [
    'cached sound is not among cached text',
    'openai_chat',
    {
      prompt_tokens: 100,
      completion_tokens: 9,
      prompt_tokens_details: { cached_tokens: 60, audio_tokens: 40, cached_tokens_details: { audio_tokens: 10 } },
      completion_tokens_details: { audio_tokens: 5, reasoning_tokens: 2 },
    },
    {
      prompt_tokens: 100,
      completion_tokens: 9,
      cached_input_tokens: 50,
      audio_input_tokens: 30,
      cached_audio_input_tokens: 10,
      reasoning_tokens: 2,
      audio_output_tokens: 5,
    },
  ],
  [
    'thought left out of the completion is in the total',
    'openai_chat',
    { prompt_tokens: 10, completion_tokens: 5, total_tokens: 45, completion_tokens_details: { reasoning_tokens: 30 } },
    { prompt_tokens: 10, completion_tokens: 35, reasoning_tokens: 30 },
  ],
  [
    'Responses',
    'openai_responses',
    { input_tokens: 8, output_tokens: 4, total_tokens: 12, input_tokens_details: { cached_tokens: 3 } },
    { prompt_tokens: 8, completion_tokens: 4, cached_input_tokens: 3 },
  ],
  [
    'embeddings',
    'openai_embeddings',
    { prompt_tokens: 6, total_tokens: 6 },
    { prompt_tokens: 6, completion_tokens: 0 },
  ],
  [
    'Anthropic: both lifetimes of the cache',
    'anthropic_messages',
    {
      input_tokens: 3,
      output_tokens: 7,
      cache_read_input_tokens: 11,
      cache_creation_input_tokens: 20,
      cache_creation: { ephemeral_5m_input_tokens: 15, ephemeral_1h_input_tokens: 5 },
    },
    {
      prompt_tokens: 34,
      completion_tokens: 7,
      cached_input_tokens: 11,
      cache_write_5m_tokens: 15,
      cache_write_1h_tokens: 5,
    },
  ],
  [
    'Anthropic: a compaction stands in the iterations alone',
    'anthropic_messages',
    {
      input_tokens: 3,
      output_tokens: 7,
      iterations: [
        { type: 'message', input_tokens: 3, output_tokens: 7 },
        { type: 'compaction', input_tokens: 50, output_tokens: 10 },
      ],
    },
    { prompt_tokens: 53, completion_tokens: 17 },
  ],
];

for (const [what, dialect, usage, expected] of CASES) {
  test(`usage: ${what}`, () => assert.deepEqual(usageOf(usage, dialect), expected));
}

test('of cumulative counts the last wins, field by field, and nothing is summed', () => {
  const start = { input_tokens: 10, output_tokens: 1, cache_read_input_tokens: 4 };

  assert.deepEqual(newerUsage(start, { output_tokens: 9, input_tokens: null }), { ...start, output_tokens: 9 });
});

test('an estimate grows with what was sent and seen, and never exceeds the ceiling of what was not', () => {
  const facts = (more: Partial<CallFacts>): CallFacts => ({
    provider: null,
    dialect: 'openai_chat',
    path: 'chat/completions',
    model: 'm',
    isStreaming: false,
    inputBytes: 400,
    images: 0,
    hasUnsizedInput: false,
    outputTokensMax: null,
    choices: 1,
    providerTools: [],
    webSearchCallsMax: null,
    risks: [],
    ...more,
  });

  assert.deepEqual(estimatedUsage(facts({}), 40), { prompt_tokens: 100, completion_tokens: 10 });
  assert.equal(estimatedUsage(facts({ images: 2 }), 0).prompt_tokens, 2_100);
  assert.equal(estimatedUsage(facts({ outputTokensMax: 20, choices: 2 }), null).completion_tokens, 40);
  assert.equal(estimatedUsage(facts({ dialect: 'openai_embeddings' }), null).completion_tokens, 0);
});

test('deltas of one choice are one text, those of two are two', () => {
  const reading = new AnswerReading('openai_chat');
  const said = (index: number, content: string): object => ({ choices: [{ index, delta: { content } }] });

  for (const [index, content] of [
    [0, '1234'],
    [1, '5678'],
    [0, 'abcd'],
  ] as const)
    reading.event(said(index, content));

  assert.deepEqual(reading.text, ['1234abcd', '5678']);
  assert.equal(reading.outputBytes, 12);
});
