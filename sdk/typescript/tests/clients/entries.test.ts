/** The whole package, against a provider and AgentWatch as the wire has them. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import OpenAI from 'openai';
import { AgentBudgetExceeded, flush, session, watched, wrap } from '../../src/index.ts';
import { ANSWER, LAST_CHUNK, aProvider, chunk, events, json, type Answer, type Provider } from './support.ts';

const CHAT = { model: 'gpt-4o-mini', messages: [{ role: 'user' as const, content: 'Hi' }] };
const EXHAUSTED = {
  message: 'no',
  type: 'budget_error',
  code: 'budget_exhausted',
  spent_usd: '1.00',
  limit_usd: '1.00',
};

test('a call of a client that the entry has wrapped is reported with its usage', async (t) => {
  const { edge, client } = await aPair(t, json(ANSWER), {});

  await client.chat.completions.create(CHAT);
  await flush(5);

  assert.equal(edge.journal.at(-1)?.headers.authorization, 'Bearer aw_test_token');
  const [report] = reportsOf(edge);
  assert.deepEqual(
    [report?.['prompt_tokens'], report?.['session_id'], report?.['model'], report?.['outcome']],
    [12, 'run-1', ANSWER.model, 'complete'],
  );
});

test('a stream belongs to the session in which it was begun, wherever it is read', async (t) => {
  const { edge, client } = await aPair(t, events([chunk('Hello'), LAST_CHUNK]), {});

  const stream = await session({ sessionId: 'inner', budgetUsd: 1 }, async () =>
    client.chat.completions.create({ ...CHAT, stream: true }),
  );
  for await (const _ of stream);
  await flush(5);

  assert.equal(reportsOf(edge)[0]?.['session_id'], 'inner');
});

test('a hold lowers the ceiling, and the report that settles it has its id', async (t) => {
  const { edge, provider, client } = await aPair(t, json(ANSWER), { agentwatchHolds: true });

  await client.chat.completions.create({ ...CHAT, max_tokens: 500 });
  await flush(5);

  const hold = edge.journal.find(({ path }) => path === '/v1/holds');
  assert.equal(JSON.parse(provider.journal[0]?.body ?? '{}').max_tokens, 33);
  assert.equal(reportsOf(edge)[0]?.['event_id'], JSON.parse(hold?.body ?? '{}').hold_id);
});

test('a refused hold is thrown before anything is sent, by the helpers as a cause', async (t) => {
  const { edge, provider, client } = await aPair(t, json(ANSWER), { agentwatchHolds: true });
  edge.script(json({ error: EXHAUSTED }, 402));

  const error = await client.chat.completions.create(CHAT).catch((reason: unknown) => reason);
  await assert.rejects(async () => client.chat.completions.create(CHAT), AgentBudgetExceeded);
  assert.equal(edge.journal.length, 1, 'what is known is not asked again');
  const wrapped: unknown = await client.chat.completions
    .stream(CHAT)
    .finalChatCompletion()
    .catch((reason: unknown) => reason);

  assert.ok(error instanceof AgentBudgetExceeded);
  assert.deepEqual([error.sessionId, error.spent, error.limit], ['run-1', 1, 1]);
  assert.ok((wrapped as Error).cause instanceof AgentBudgetExceeded);
  assert.equal(provider.journal.length, 0);
});

test('through AgentWatch: its health is asked once, its refusals are ours, nothing is reported twice', async (t) => {
  const edge = await aProvider(edgeAnswer);
  t.after(edge.close);
  const Client = watched(OpenAI);
  const client = new Client({
    apiKey: 'sk-own',
    agentwatchApiKey: 'aw_test_token',
    agentwatchBaseURL: edge.url,
    agentwatchSessionId: 'run-1',
    agentwatchPrimaryProvider: 'agentwatch',
    agentwatchFallbackProvider: 'direct',
  });

  await client.chat.completions.create(CHAT);
  await client.chat.completions.create(CHAT);
  edge.script(json({ error: EXHAUSTED }, 402, { 'x-should-retry': 'false' }));
  await assert.rejects(async () => client.chat.completions.create(CHAT), AgentBudgetExceeded);
  await flush(5);

  const calls = Array<string>(3).fill('/v1/proxy/openai/v1/chat/completions');
  assert.deepEqual(
    edge.journal.map(({ path }) => path),
    ['/healthz', ...calls],
  );
  assert.equal(edge.journal[1]?.headers['x-agentwatch-session-id'], 'run-1');
  assert.equal(edge.journal[1]?.headers['x-agentwatch-key'], 'aw_test_token');
});

interface Pair {
  readonly edge: Provider;
  readonly provider: Provider;
  readonly client: OpenAI;
}

async function aPair(t: { after(close: () => Promise<void>): void }, answer: Answer, more: object): Promise<Pair> {
  const [provider, edge] = [await aProvider(answer), await aProvider(edgeAnswer)];
  t.after(provider.close);
  t.after(edge.close);
  const ours = { agentwatchApiKey: 'aw_test_token', agentwatchBaseURL: edge.url, agentwatchSessionId: 'run-1' };
  const client = wrap(new OpenAI({ apiKey: 'k', baseURL: provider.url }), { ...ours, ...more });
  return { edge, provider, client };
}

const edgeAnswer: Answer = (response, sent) => {
  const { hold_id } = sent.body === '' ? {} : (JSON.parse(sent.body) as { hold_id?: string });
  const held = { hold_id, held_usd: '0.01', expires_at_ms: 1, output_tokens_max: 33, budget: null };
  const document = sent.path === '/v1/holds' ? held : sent.path === '/v1/ingest' ? 'Success' : ANSWER;
  return json(document)(response, sent);
};

function reportsOf(edge: Provider): readonly Record<string, unknown>[] {
  const bodies = edge.journal.filter(({ path }) => path === '/v1/ingest').map(({ body }) => JSON.parse(body) as object);
  return bodies.flatMap((body) => ('reports' in body ? (body.reports as object[]) : [body])) as Record<
    string,
    unknown
  >[];
}
