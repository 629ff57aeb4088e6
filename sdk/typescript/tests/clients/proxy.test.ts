/** Calls through AgentWatch: what it is sent, when a call goes directly instead, and how its refusals arrive. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AgentBudgetExceeded } from '../../src/errors.ts';
import { HealthReach } from '../../src/clients/reach.ts';
import {
  ANSWER,
  ANTHROPICS,
  LAST_CHUNK,
  MESSAGE,
  MESSAGE_EVENTS,
  OPENAIS,
  RESPONSE,
  RESPONSE_EVENTS,
  USAGE_CHUNK,
  aProvider,
  aWorld,
  chunk,
  events,
  json,
  type Answer,
  type Provider,
} from './support.ts';

const TOKEN = 'aw_test_0123456789';
const CHAT = { model: 'gpt-4o-mini', messages: [{ role: 'user' as const, content: 'Hi' }] };
const ASKED = { model: 'claude-sonnet-4-5', max_tokens: 64, messages: CHAT.messages };
const EXHAUSTED = {
  error: { message: 'no', type: 'budget_error', code: 'budget_exhausted', param: null, limit_usd: '1', spent_usd: '1' },
};
const CUT = { error: { ...EXHAUSTED.error, code: 'answer_cut', cause: 'budget_exhausted' } };
/** Below the ports that are given out, where nobody listens. */
const NOWHERE = 'http://127.0.0.1:2';

interface Places {
  readonly edge: Provider;
  readonly direct: Provider;
  close(): Promise<void>;
}

async function places(edge: Answer, direct: Answer = edge): Promise<Places> {
  const made = { edge: await aProvider(edge), direct: await aProvider(direct) };
  return { ...made, close: async () => void (await Promise.all([made.edge.close(), made.direct.close()])) };
}

/** The provider's public address is the test's; everything else is where it says. */
function options(
  { edge, direct }: Places,
  more: { readonly baseURL?: string; readonly isFallback?: boolean; readonly apiKey?: string } = {},
) {
  return {
    apiKey: more.apiKey ?? 'sk-own',
    maxRetries: 0,
    fetch: (input: string | URL | Request, init?: RequestInit): Promise<Response> =>
      fetch(String(input).replace(/^https:\/\/api\.(openai|anthropic)\.com/, direct.url), init),
    agentwatchApiKey: TOKEN,
    agentwatchBaseURL: more.baseURL ?? edge.url,
    agentwatchPrimaryProvider: 'agentwatch' as const,
    ...(more.isFallback === false ? {} : { agentwatchFallbackProvider: 'direct' as const }),
  };
}

for (const [name, OpenAI] of OPENAIS) {
  test(`${name}: a call goes through AgentWatch with the session, the token, and the caller's own key`, async (t) => {
    const there = await places(json(ANSWER));
    t.after(there.close);
    const world = aWorld();

    await new (world.watched(OpenAI))(options(there)).withOptions({ timeout: 9_000 }).chat.completions.create(CHAT);

    const [sent, ...others] = there.edge.journal;
    assert.deepEqual([others.length, there.direct.journal.length], [0, 0]);
    assert.equal(sent?.path, '/v1/proxy/openai/v1/chat/completions');
    assert.equal(sent?.headers.authorization, 'Bearer sk-own');
    assert.equal(sent?.headers['x-agentwatch-key'], TOKEN);
    assert.equal(sent?.headers['x-agentwatch-session-id'], 'session-1');
    assert.equal(sent?.headers['x-agentwatch-call'], undefined);
    assert.equal(world.guard().call.reports, false);
    assert.equal(world.guard().end.usage?.prompt_tokens, 12);
  });

  test(`${name}: a list is read through AgentWatch as well`, async (t) => {
    const there = await places(json({ object: 'list', data: [] }));
    t.after(there.close);

    await new (aWorld().watched(OpenAI))(options(there)).models.list();

    assert.equal(there.edge.journal[0]?.path, '/v1/proxy/openai/v1/models');
    assert.equal(there.edge.journal[0]?.headers['x-agentwatch-key'], TOKEN);
  });

  test(`${name}: in an outage of AgentWatch a call goes directly without a trace of it, and is reported`, async (t) => {
    const there = await places(json(ANSWER));
    t.after(there.close);
    const world = aWorld();
    const client = new (world.watched(OpenAI))(options(there, { baseURL: NOWHERE }));

    for (let turn = 0; turn < 3; turn += 1) await client.chat.completions.create(CHAT);

    const [sent] = there.direct.journal;
    assert.equal(there.direct.journal.length, 3);
    assert.equal(sent?.path, '/v1/chat/completions');
    assert.ok(
      !JSON.stringify(there.direct.journal).includes('agentwatch') &&
        !JSON.stringify(there.direct.journal).includes(TOKEN),
    );
    assert.ok(world.guard().calls.every(({ reports, ends }) => reports && ends.length === 1));
    assert.equal(world.reach.failures, 1, 'only the first call tried to connect');
  });

  test(`${name}: a stream that goes directly asks for usage itself, and the user does not see it`, async (t) => {
    const chunks = [chunk('Hello'), LAST_CHUNK];
    const there = await places(json({}), events([...chunks, USAGE_CHUNK]));
    t.after(there.close);
    const world = aWorld();
    world.reach.isUp = false;
    const seen = [];

    const client = new (world.watched(OpenAI))(options(there));
    for await (const each of await client.chat.completions.create({ ...CHAT, stream: true })) seen.push(each);

    assert.equal(seen.length, chunks.length);
    assert.equal(world.guard().end.isEstimated, false);
  });

  test(`${name}: with no fallback, or no key but AgentWatch's, an outage is the SDK's connection error`, async (t) => {
    const there = await places(json(ANSWER));
    t.after(there.close);
    for (const more of [{ isFallback: false }, { apiKey: TOKEN }]) {
      const client = new (aWorld().watched(OpenAI))(options(there, { ...more, baseURL: NOWHERE }));

      await assert.rejects(async () => client.chat.completions.create(CHAT), OpenAI.APIConnectionError);
    }
    assert.equal(there.direct.journal.length, 0);
  });

  test(`${name}: a key behind AgentWatch's token goes directly without the token`, async (t) => {
    const there = await places(json(ANSWER));
    t.after(there.close);
    const client = new (aWorld().watched(OpenAI))(options(there, { baseURL: NOWHERE, apiKey: `${TOKEN}:sk-behind` }));

    await client.chat.completions.create(CHAT);

    assert.equal(there.direct.journal[0]?.headers.authorization, 'Bearer sk-behind');
  });

  test(`${name}: a connection that breaks after the request was sent is not repeated directly`, async (t) => {
    const there = await places((response) => void response.destroy(), json(ANSWER));
    t.after(there.close);
    const client = new (aWorld().watched(OpenAI))(options(there));

    await assert.rejects(async () => client.chat.completions.create(CHAT), OpenAI.APIConnectionError);

    assert.equal(there.direct.journal.length, 0);
  });

  test(`${name}: a 402 is AgentBudgetExceeded with the SDK's error as its cause, and is not retried`, async (t) => {
    const there = await places(json(EXHAUSTED, 402, { 'x-should-retry': 'false' }));
    t.after(there.close);
    const world = aWorld();
    const client = new (world.watched(OpenAI))({ ...options(there), maxRetries: 2 });

    const error = await client.chat.completions.create(CHAT).catch((reason: unknown) => reason);

    assert.ok(error instanceof AgentBudgetExceeded);
    assert.ok(error.cause instanceof OpenAI.APIError);
    assert.equal(there.edge.journal.length, 1);
    assert.equal(world.guard().end.usage, null);
  });

  test(`${name}: a cut stream is AgentBudgetExceeded after what was written, in chat and Responses`, async (t) => {
    const failed = {
      type: 'response.failed',
      sequence_number: 5,
      response: { ...RESPONSE, status: 'failed', error: { code: 'insufficient_quota', message: 'no' } },
    };
    const raised = { type: 'error', code: 'answer_cut', message: 'no', param: null, sequence_number: 6, ...CUT };
    const there = await places(events([chunk('Hello'), CUT]));
    t.after(there.close);
    const client = new (aWorld().watched(OpenAI))(options(there));

    const chat = await readUntilError(await client.chat.completions.create({ ...CHAT, stream: true }));
    there.edge.script(events([...RESPONSE_EVENTS.slice(0, 4), failed, raised]));
    const responses = await readUntilError(await client.responses.create({ model: 'm', input: 'Hi', stream: true }));

    assert.deepEqual([chat.seen, responses.seen], [1, 5]);
    assert.ok(chat.error instanceof AgentBudgetExceeded && chat.error.cause instanceof OpenAI.APIError);
    assert.ok(responses.error instanceof AgentBudgetExceeded);
  });

  test(`${name}: a provider's own 402 without AgentWatch stays the SDK's`, async (t) => {
    const provider = await aProvider(json(EXHAUSTED, 402, { 'x-should-retry': 'false' }));
    t.after(provider.close);
    const client = new (aWorld().watched(OpenAI))({ apiKey: 'k', baseURL: provider.url });

    await assert.rejects(async () => client.chat.completions.create(CHAT), OpenAI.APIError);
  });

  test(`${name}: a client that is told not to go through AgentWatch any more goes directly`, async (t) => {
    const there = await places(json(ANSWER));
    t.after(there.close);
    const world = aWorld();
    const client = new (world.watched(OpenAI))(options(there));

    await world.wrap(client, { agentwatchPrimaryProvider: undefined } as object).chat.completions.create(CHAT);

    assert.deepEqual([there.edge.journal.length, there.direct.journal.length], [0, 1]);
    assert.equal(world.guard().call.reports, true);
  });

  test(`${name}: an address that AgentWatch does not know is refused when the client is made`, () => {
    const world = aWorld();
    const proxied = { apiKey: 'k', agentwatchPrimaryProvider: 'agentwatch' as const };

    assert.throws(
      () => new (world.watched(OpenAI))({ ...proxied, baseURL: 'https://openrouter.ai/api/v1' }),
      TypeError,
    );
    assert.throws(() => world.wrap(new OpenAI({ apiKey: 'k', baseURL: 'http://localhost:1' }), proxied), TypeError);
  });
}

for (const [name, Anthropic] of ANTHROPICS) {
  test(`${name}: a call goes through AgentWatch, and directly where that cannot be reached`, async (t) => {
    const there = await places(json(MESSAGE));
    t.after(there.close);

    await new (aWorld().watched(Anthropic))(options(there)).messages.create(ASKED);
    await new (aWorld().watched(Anthropic))(options(there, { baseURL: NOWHERE })).messages.create(ASKED);

    assert.equal(there.edge.journal[0]?.path, '/v1/proxy/anthropic/v1/messages');
    const { authorization, 'x-api-key': key } = there.edge.journal[0]?.headers ?? {};
    assert.equal(
      key ?? authorization,
      name === 'anthropic 0' ? 'sk-own' : 'Bearer sk-own',
      'the one place it has of its own',
    );
    assert.equal(there.direct.journal[0]?.path, '/v1/messages');
    assert.ok(!JSON.stringify(there.direct.journal).includes('agentwatch'));
  });

  test(`${name}: a 402 and a cut stream are AgentBudgetExceeded`, async (t) => {
    const refusal = { type: 'error', error: { ...EXHAUSTED.error, type: 'billing_error' } };
    const there = await places(json(refusal, 402, { 'x-should-retry': 'false' }));
    t.after(there.close);
    const client = new (aWorld().watched(Anthropic))(options(there));

    const refused = await client.messages.create(ASKED).catch((reason: unknown) => reason);
    there.edge.script(events([...MESSAGE_EVENTS.slice(0, 3), refusal]));
    const cut = await readUntilError(await client.messages.create({ ...ASKED, stream: true }));

    assert.ok(refused instanceof AgentBudgetExceeded && refused.cause instanceof Anthropic.APIError);
    assert.ok(cut.error instanceof AgentBudgetExceeded && cut.seen === 3);
  });
}

test('a whole request goes the same way as an address with its parts', async (t) => {
  const there = await places(json(ANSWER));
  t.after(there.close);
  const client = new (aWorld().watched(OPENAIS[0][1]))(options(there));
  const body = JSON.stringify(CHAT);

  const { fetch: proxied } = client as unknown as { fetch: typeof fetch };
  await proxied(new Request('https://api.openai.com/v1/chat/completions', { method: 'POST', body }));

  assert.equal(there.edge.journal[0]?.path, '/v1/proxy/openai/v1/chat/completions');
  assert.equal(there.edge.journal[0]?.body, body);
});

test('an outage costs its time-out once, and is over when a later look says so', async () => {
  let nowMs = 1_000_000;
  let isUp = false;
  let asked = 0;
  const health = async (_url: unknown, init?: RequestInit): Promise<Response> => {
    asked += 1;
    if (isUp) return new Response('ok');
    return new Promise((_resolve, reject) => init?.signal?.addEventListener('abort', () => reject(new Error('mute'))));
  };
  const reach = new HealthReach('http://edge', 1, health, () => nowMs);

  const during = [await reach.isReachable(), await reach.isReachable(), await reach.isReachable()];
  const askedDuring = asked;
  isUp = true;
  nowMs += 6_000;
  await reach.isReachable();
  await new Promise(setImmediate);
  const after = await reach.isReachable();

  assert.deepEqual([during, askedDuring, after], [[false, false, false], 1, true]);
});

async function readUntilError(stream: AsyncIterable<unknown>): Promise<{ seen: number; error: unknown }> {
  let seen = 0;
  try {
    for await (const _ of stream) seen += 1;
  } catch (error) {
    return { seen, error };
  }
  return { seen, error: null };
}
