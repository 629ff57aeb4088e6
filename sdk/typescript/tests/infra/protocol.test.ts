/** What questions say and what answers mean: tables, without a network. */

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Breaker, PAUSE_SECONDS_MAX, PROBE_SECONDS_MAX } from '../../src/edge/breaker.ts';
import { budgetStateOf, checkQuestion } from '../../src/protocol/checks.ts';
import { holdGrantedOf, holdQuestion } from '../../src/protocol/holds.ts';
import type { Heard } from '../../src/protocol/question.ts';
import { budgetErrorOf } from '../../src/protocol/refusals.ts';
import { batchOf, reportOf } from '../../src/protocol/reports.ts';
import { batchVerdict, delaySeconds, reasonOf, retryAfterSeconds } from '../../src/protocol/verdicts.ts';
import { ended, facts } from './scriptedEdge.ts';

function answer(status: number, body: unknown = '', headers: Record<string, string> = {}) {
  return { kind: 'answer', status, text: JSON.stringify(body), headers: new Map(Object.entries(headers)) } as const;
}

test('a budget check is read by its verdict, else by its numbers, else not at all', () => {
  const table: [unknown, boolean | null][] = [
    [{ exceeded: true, spent_usd: 2, limit_usd: 1 }, true],
    [{ exceeded: false, spent_usd: 2, limit_usd: 1 }, false],
    [{ spent_usd: 2, limit_usd: 1 }, true],
    [{ spent_usd: '0.5', limit_usd: '1' }, false],
    [{ spent_usd: 5, limit_usd: null }, false],
    [{ paused: true, spent_usd: 0, limit_usd: null }, true],
    [{ spent_usd: 5 }, null],
    [{ exceeded: 'yes' }, null],
    [{}, null],
    [[], null],
    ['<html>', null],
    [undefined, null],
  ];
  for (const [document, exceeded] of table) {
    assert.equal(budgetStateOf(document)?.exceeded ?? null, exceeded, JSON.stringify(document));
  }
  assert.equal(checkQuestion('a:b', '0.50').path, '/v1/budget-check?session_id=a%3Ab&limit_usd=0.50');
});

test('what the server would not take of a hold is brought within its bounds', () => {
  const odd = facts({
    model: '', provider: '', inputBytes: 2 ** 40, images: 10_000, choices: 5_000, outputTokensMax: 2 ** 50,
    providerTools: Array.from({ length: 200 }, (_, index) => (index % 2 ? '' : 'x'.repeat(300))),
  });
  const asked = { holdId: 'h', sessionId: 's', sessionBudgetUsd: null, project: null, agent: null, iteration: 0 };
  const said = JSON.parse(holdQuestion(odd, asked).body as string) as Record<string, unknown>;

  assert.equal('provider' in said, false);
  assert.deepEqual([said['model'], said['images'], said['choices']], ['unknown', 4_000, 1_000]);
  assert.deepEqual([said['input_bytes'], said['output_tokens_max']], [2 ** 31, 2 ** 31]);
  assert.deepEqual(said['provider_tools'], Array(32).fill('x'.repeat(256)));
});

test('a hold is granted only by an answer to itself', () => {
  assert.deepEqual(holdGrantedOf({ hold_id: 'h', output_tokens_max: 50 }, 'h'), { outputTokensMax: 50 });
  assert.deepEqual(holdGrantedOf({ hold_id: 'h', output_tokens_max: null }, 'h'), { outputTokensMax: null });
  for (const wrong of [0, '5', 1.5, true]) {
    assert.equal(holdGrantedOf({ hold_id: 'h', output_tokens_max: wrong }, 'h'), null);
  }
  for (const wrong of [{ hold_id: 'x' }, {}, 7, null]) assert.equal(holdGrantedOf(wrong, 'h'), null);
});

test('a refusal of the budget is known in every shape of every dialect', () => {
  const said = { code: 'budget_exhausted', message: 'm', spent_usd: '1.25', limit_usd: '1' };
  const info = { '@type': 'x', reason: 'budget_exhausted', metadata: { spent_usd: '1.25', limit_usd: '1' } };
  const shapes = [
    { error: said },
    { error: { code: 'budget_exhausted' }, spent_usd: 1.25, limit_usd: 1 },
    { type: 'error', error: { type: 'billing_error', ...said } },
    { type: 'response.failed', response: { status: 'failed', error: said } },
    { type: 'error', ...said },
    { error: { code: 402, status: 'FAILED_PRECONDITION', details: [{}, info] } },
    { type: 'error', ...said, error: { ...said, code: 'answer_cut', cause: 'budget_exhausted' }, code: 'answer_cut' },
    { error: { ...said, code: 'answer_cut', cause: 'scope_paused' } },
    { error: { details: [{ reason: 'answer_cut', metadata: { ...info.metadata, cause: 'scope_paused' } }] } },
  ];
  for (const shape of shapes) {
    const error = budgetErrorOf(shape, 's');
    assert.deepEqual([error?.sessionId, error?.spent, error?.limit], ['s', 1.25, 1], JSON.stringify(shape));
  }
  const paused = budgetErrorOf({ error: { code: 'scope_paused', limit_usd: null } }, 's');
  assert.deepEqual([paused?.spent, paused?.limit], [0, 0]);
});

test("a provider's own refusals and any other document are no refusal of the budget", () => {
  const others = [
    { error: { code: 'insufficient_quota', type: 'budget_error' } },
    { type: 'error', error: { type: 'billing_error', message: 'budget_exhausted' } },
    { choices: [{ delta: { content: 'budget_exhausted' } }] },
    { error: 'budget_exhausted' },
    null,
    [],
    'budget_exhausted',
  ];
  for (const other of others) assert.equal(budgetErrorOf(other, 's'), null);
});

test('an answer that an outage cut has met no budget', () => {
  const outage = { cause: 'budget_unavailable', charged_usd: '0.0012', output_tokens: 120 };
  const cut = { code: 'answer_cut', message: 'm', ...outage };
  const shapes = [
    { error: cut },
    { type: 'error', code: 'answer_cut', message: 'm', error: cut },
    { type: 'error', error: { type: 'billing_error', ...cut } },
    { error: { code: 402, details: [{ reason: 'answer_cut', metadata: outage }] } },
  ];
  for (const shape of shapes) assert.equal(budgetErrorOf(shape, 's'), null, JSON.stringify(shape));
});

test('a report says counts and names, and nothing that is not known', () => {
  const owner = {
    eventId: 'evt_1', sessionId: 's', project: 'p', team: null, agent: null, iteration: 2, startedAtMs: 5,
    latencyMs: 1.23456,
  };

  const report = reportOf(facts({ risks: ['PII_EMAIL'] }), ended({ risks: ['PII_EMAIL', 'SECRET_JWT'] }), owner);

  assert.deepEqual(report, {
    model: 'gpt-5-mini-2026', provider: 'openai', dialect: 'openai_chat', prompt_tokens: 100, completion_tokens: 20,
    cached_input_tokens: 40, latency_ms: 1.235, session_id: 's', iteration_index: 2,
    identified_risks: ['PII_EMAIL', 'SECRET_JWT'], project: 'p', event_id: 'evt_1', outcome: 'complete', status: 200,
    attempts: 1, is_streaming: false, started_at_ms: 5,
  });
  const nothing = reportOf(facts(), ended({ usage: null, model: null }), owner);
  assert.deepEqual([nothing['outcome'], nothing['prompt_tokens'], nothing['model']], ['failed', 0, 'gpt-5-mini']);
  const odd = reportOf(facts(), ended({ usage: { prompt_tokens: -5, completion_tokens: Number.NaN } }), owner);
  assert.deepEqual([odd['prompt_tokens'], odd['completion_tokens']], [0, 0]);
});

test('one report is a body by itself, several are a batch', () => {
  assert.equal(batchOf(['{"a":1}']), '{"a":1}');
  assert.deepEqual(JSON.parse(batchOf(['{"a":1}', '{}'])), { reports: [{ a: 1 }, {}] });
});

test('each status has its consequence for a batch', () => {
  const table: [number, number, string][] = [
    [200, 2, 'done'], [400, 2, 'halve'], [400, 1, 'drop'], [413, 9, 'halve'], [415, 1, 'drop'], [401, 2, 'stop'],
    [403, 1, 'stop'], [404, 1, 'stop'], [302, 1, 'stop'], [408, 1, 'later'], [429, 2, 'later'], [500, 1, 'later'],
    [503, 2, 'later'],
  ];
  for (const [status, count, fate] of table) assert.equal(batchVerdict(answer(status), count).fate, fate, `${status}`);
  const refused = [{ index: 0, retryable: true }, { index: 1, retryable: false }, { index: 9 }, { index: 1 }, null];
  assert.deepEqual(batchVerdict(answer(200, { accepted: 1, refused }), 3), { fate: 'done', again: [0], dropped: 1 });
});

test('waiting grows, is spread, and obeys the server', () => {
  const unspread = [1, 2, 3, 30].map((failures) => delaySeconds(failures, 0.999999, null));
  assert.deepEqual(unspread.map((seconds) => Math.round(seconds * 10)), [5, 10, 20, 600]);
  assert.ok(delaySeconds(1, 0, null) < delaySeconds(1, 0.5, null));
  assert.ok(delaySeconds(1, 0, 7) >= 7);
  assert.equal(retryAfterSeconds(answer(429, '', { 'retry-after-ms': '1500', 'retry-after': '2' })), 1.5);
  assert.equal(retryAfterSeconds(answer(429, '', { 'retry-after': '9999' })), 60);
  assert.equal(retryAfterSeconds(answer(429, '', { 'retry-after': 'Wed, 01 Jan 2031 00:00:00 GMT' })), null);
});

test('a reason tells the code of an answer and none of its text', () => {
  const error = { code: 'invalid_token', message: 'aw_test_canary' };
  const heard: Heard = answer(401, { error });
  assert.equal(reasonOf(heard), 'AgentWatch answered 401 (invalid_token): is agentwatchApiKey right?');
  assert.equal(reasonOf(answer(500, { error: { code: 'x\ny' } })), 'AgentWatch answered 500');
});

test('after a failure nobody asks, then one does, and pauses grow', () => {
  const breaker = new Breaker();
  assert.ok(breaker.mayAsk(0) && breaker.mayAsk(0));
  breaker.failed(0, null);
  breaker.failed(0, null);
  assert.equal(breaker.mayAsk(0.9), false);
  assert.deepEqual([breaker.mayAsk(1), breaker.mayAsk(1)], [true, false]);
  breaker.failed(1, null);
  assert.deepEqual([breaker.mayAsk(2.9), breaker.mayAsk(3)], [false, true]);
  assert.equal(breaker.mayAsk(3 + PROBE_SECONDS_MAX), true);
  breaker.succeeded();
  assert.ok(breaker.mayAsk(3) && breaker.mayAsk(3));
});

test('a pause is at least what the server asked for, and never without end', () => {
  const breaker = new Breaker();
  breaker.failed(0, 30);
  assert.equal(breaker.mayAsk(29), false);
  let now = 30;
  for (let failures = 0; failures < 20; failures += 1) {
    assert.ok(breaker.mayAsk(now));
    breaker.failed(now, null);
    now += PAUSE_SECONDS_MAX;
  }
});
