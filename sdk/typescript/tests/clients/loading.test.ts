/** Loading the entries and making a client does nothing yet: a Worker that did more while it starts is refused. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import Anthropic from '@anthropic-ai/sdk';
import OpenAI from 'openai';

test('loading the entries and making clients sets no timer, asks nobody and needs no random value', async () => {
  const used: string[] = [];
  const { setTimeout: timer, setInterval: interval, fetch: ask } = globalThis;
  const random = crypto.getRandomValues;
  globalThis.setTimeout = ((...given: Parameters<typeof timer>) => (
    used.push('timer'),
    timer(...given)
  )) as typeof timer;
  globalThis.setInterval = ((...given: Parameters<typeof interval>) => (
    used.push('interval'),
    interval(...given)
  )) as typeof interval;
  globalThis.fetch = (...given) => (used.push('fetch'), ask(...given));
  crypto.getRandomValues = ((array: Uint8Array) => (used.push('random'), random.call(crypto, array))) as typeof random;
  try {
    const { WatchedOpenAI } = await import('../../src/openai.ts');
    const { WatchedAnthropic } = await import('../../src/anthropic.ts');
    const options = { apiKey: 'k', agentwatchApiKey: 'aw_test_token', agentwatchBaseURL: 'http://127.0.0.1:1' };

    assert.ok(new WatchedOpenAI(options) instanceof OpenAI);
    assert.ok(new WatchedAnthropic(options) instanceof Anthropic);
    assert.deepEqual([WatchedOpenAI.name, WatchedAnthropic.name], ['OpenAI', 'Anthropic']);
  } finally {
    Object.assign(globalThis, { setTimeout: timer, setInterval: interval, fetch: ask });
    crypto.getRandomValues = random;
  }
  assert.deepEqual(used, []);
});
