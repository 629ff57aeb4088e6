/** What a client's options are read as, and which of them are refused by name. */

import assert from 'node:assert/strict';
import { inspect } from 'node:util';
import { test } from 'node:test';

import { readSettings, type AgentWatchOptions } from '../../src/settings.ts';

const GIVEN = { agentwatchApiKey: 'aw_test_canary', agentwatchBaseURL: 'https://aw.example.com' };

test('every spelling of the base URL is one address', () => {
  const spellings = ['', '/', '/v1', '/v1/', '/v1/ingest', '/v1/proxy/openai', '/v1/budget-check/'];
  for (const end of spellings) {
    const settings = readSettings({ ...GIVEN, agentwatchBaseURL: `https://aw.example.com${end}` }, {});
    assert.equal(settings.baseURL, 'https://aw.example.com', end);
  }
  const below = readSettings({ ...GIVEN, agentwatchBaseURL: 'http://localhost:8787/aw/v1' }, {});
  assert.equal(below.baseURL, 'http://localhost:8787/aw');
});

test('a wrong option is refused by its name', () => {
  const wrong: Record<string, unknown> = {
    agentwatchApiKey: 'two words',
    agentwatchBaseURL: 'ftp://aw.example.com',
    agentwatchSessionId: 'a b',
    agentwatchSessionBudgetUsd: 0,
    agentwatchEnforcementMode: 1,
    agentwatchEnforcementFailOpen: 'no',
    agentwatchHolds: 'yes',
    agentwatchPrimaryProvider: 'openai',
    agentwatchFallbackProvider: 'direct',
    agentwatchTimeoutSeconds: Number.NaN,
    agentwatchRiskTags: null,
    agentwatchProject: 'ü',
    agentwatchTeam: '',
    agentwatchAgent: 7,
    agentwatchWaitUntil: 'ctx',
    agentwatchSesionId: 'x',
    agentWatchProject: 'x',
  };
  for (const [name, value] of Object.entries(wrong)) {
    if (value === null) continue;
    assert.throws(() => readSettings({ ...GIVEN, [name]: value } as AgentWatchOptions, {}), new RegExp(name), name);
  }
});

test('budgets become plain decimal text', () => {
  const spellings: [number | string, string][] = [
    [0.5, '0.5'],
    ['0.50', '0.50'],
    [1e-7, '0.0000001'],
    ['1.5e2', '150'],
    ['007', '7'],
    ['.25', '0.25'],
    ['12.34e1', '123.4'],
    [1e21, '1000000000000000000000'],
  ];
  for (const [given, text] of spellings) {
    assert.equal(readSettings({ ...GIVEN, agentwatchSessionBudgetUsd: given }, {}).sessionBudgetUsd, text);
  }
  for (const wrong of ['', '.', '1,5', '-1', 'NaN', Number.POSITIVE_INFINITY, '0.000', '1e999']) {
    assert.throws(() => readSettings({ ...GIVEN, agentwatchSessionBudgetUsd: wrong }, {}), RangeError, String(wrong));
  }
});

test('what is not given comes from the environment or has its default', () => {
  const environment = { AGENTWATCH_API_KEY: 'aw_live_env', AGENTWATCH_BASE_URL: 'https://env.example.com/v1' };

  const settings = readSettings({}, environment);

  assert.equal(settings.apiKey, 'aw_live_env');
  assert.equal(settings.baseURL, 'https://env.example.com');
  assert.match(settings.sessionId, /^[0-9a-f-]{36}$/);
  assert.equal(settings.sessionId, settings.sessionId);
  assert.deepEqual([settings.enforcementMode, settings.enforcementFailOpen, settings.timeoutSeconds], [false, true, 2]);
  assert.throws(() => readSettings({ agentwatchBaseURL: 'https://aw.example.com' }, {}), /AGENTWATCH_API_KEY/);
  assert.throws(() => readSettings({ agentwatchApiKey: 'aw' }, {}), /AGENTWATCH_BASE_URL/);
});

test('holds imply enforcement', () => {
  assert.equal(readSettings({ ...GIVEN, agentwatchHolds: true }, {}).enforcementMode, true);
});

test('the token is in no print of the settings', () => {
  const settings = readSettings(GIVEN, {});

  assert.ok(!inspect(settings).includes('canary'));
  assert.ok(!JSON.stringify(settings).includes('canary'));
});
