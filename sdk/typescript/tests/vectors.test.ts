/** What AgentWatch says, and what usage comes to, as the shared vectors have it. */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

import type { Dialect } from '../src/calls.ts';
import { usageOf } from '../src/clients/usage.ts';
import { budgetStateOf } from '../src/protocol/checks.ts';
import { budgetErrorOf, decisionOf } from '../src/protocol/refusals.ts';

interface Case {
  readonly id: string;
  readonly status: number | null;
  readonly document: unknown;
  readonly is_budget_stop: boolean;
  readonly exceeded: boolean | null;
  readonly spent_usd: number;
  readonly limit_usd: number;
  readonly dialect: Dialect;
  readonly usage: unknown;
  readonly report: unknown;
}

function cases(name: string): readonly Case[] {
  const url = new URL(`../../../vectors/${name}.json`, import.meta.url);
  return (JSON.parse(readFileSync(url, 'utf8')) as { cases: readonly Case[] }).cases;
}

for (const each of cases('refusals')) {
  test(`a refusal stops a session where its budget does: ${each.id}`, () => {
    const error = budgetErrorOf(each.document, 'run-1');

    assert.equal(error !== null, each.is_budget_stop);
    if (error !== null) assert.deepEqual([error.spent, error.limit], [each.spent_usd, each.limit_usd]);
  });
}

for (const each of cases('budget_checks').filter((check) => check.status === 200)) {
  test(`a budget check is read: ${each.id}`, () => {
    const state = budgetStateOf(each.document);

    assert.equal(state?.exceeded ?? null, each.exceeded);
    if (state !== null) assert.deepEqual([state.spentUsd, state.limitUsd], [each.spent_usd, each.limit_usd]);
  });
}

for (const each of cases('prices')) {
  test(`usage is read as the edge reads it: ${each.id}`, () => {
    assert.deepEqual(usageOf(each.usage, each.dialect), each.report);
  });
}

test("what a tenant has decided is told from AgentWatch's own limits", () => {
  const codes = ['rule_blocked', 'rule_throttled', 'unmetered_path', 'unpriced_model'];
  const decided = cases('refusals').filter((each) => each.status !== null && decisionOf(each.document) !== null);

  assert.deepEqual([...new Set(decided.map((each) => each.id.split(' ')[0]))].sort(), codes);
});
