/** Every way to call OpenAI's client: what is reported, and what the user has of it. */

import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import { test } from 'node:test';
import {
  ANSWER,
  OPENAIS,
  RESPONSE,
  RESPONSE_EVENTS,
  LAST_CHUNK,
  USAGE_CHUNK,
  aProvider,
  aWorld,
  chunk,
  events,
  json,
} from './support.ts';

const CHAT = { model: 'gpt-4o-mini', messages: [{ role: 'user' as const, content: 'Hi' }] };
const STREAM = [chunk('Hello '), chunk('there'), LAST_CHUNK];
const WITH_USAGE = [...STREAM, USAGE_CHUNK];
const EMBEDDING = {
  object: 'list',
  model: 'text-embedding-3-small',
  data: [{ object: 'embedding', index: 0, embedding: [0.1] }],
  usage: { prompt_tokens: 3, total_tokens: 3 },
};

for (const [name, OpenAI] of OPENAIS) {
  type Client = InstanceType<typeof OpenAI>;
  const tool = { type: 'json_schema' as const, json_schema: { name: 'a', schema: { type: 'object' }, strict: true } };
  const text = {
    ...ANSWER,
    choices: [{ index: 0, finish_reason: 'stop', message: { role: 'assistant', content: '{}' } }],
  };

  const WAYS: readonly (readonly [string, ReturnType<typeof json>, (client: Client) => Promise<unknown>, number])[] = [
    ['create', json(ANSWER), async (c) => c.chat.completions.create(CHAT), 12],
    ['create().withResponse()', json(ANSWER), async (c) => c.chat.completions.create(CHAT).withResponse(), 12],
    ['parse', json(text), async (c) => c.chat.completions.parse({ ...CHAT, response_format: tool }), 12],
    [
      'withOptions',
      json(ANSWER),
      async (c) => c.withOptions({ timeout: 9_000 }).withOptions({ maxRetries: 1 }).chat.completions.create(CHAT),
      12,
    ],
    ['post', json(ANSWER), async (c) => c.post('/chat/completions', { body: CHAT }), 12],
    ['request', json(ANSWER), async (c) => c.request({ method: 'post', path: '/chat/completions', body: CHAT }), 12],
    [
      'create stream',
      events(WITH_USAGE),
      async (c) =>
        drained(await c.chat.completions.create({ ...CHAT, stream: true, stream_options: { include_usage: true } })),
      12,
    ],
    [
      'stream helper',
      events(WITH_USAGE),
      async (c) =>
        c.chat.completions.stream({ ...CHAT, stream_options: { include_usage: true } }).finalChatCompletion(),
      12,
    ],
    [
      'tee',
      events(WITH_USAGE),
      async (c) => Promise.all((await c.chat.completions.create({ ...CHAT, stream: true })).tee().map(drained)),
      12,
    ],
    [
      'toReadableStream',
      events(WITH_USAGE),
      async (c) => new Response((await c.chat.completions.create({ ...CHAT, stream: true })).toReadableStream()).text(),
      12,
    ],
    ['responses', json(RESPONSE), async (c) => c.responses.create({ model: 'gpt-4o-mini', input: 'Hi' }), 9],
    [
      'responses stream',
      events(RESPONSE_EVENTS),
      async (c) => drained(await c.responses.create({ model: 'gpt-4o-mini', input: 'Hi', stream: true })),
      9,
    ],
    [
      'responses helper',
      events(RESPONSE_EVENTS),
      async (c) => c.responses.stream({ model: 'gpt-4o-mini', input: 'Hi' }).finalResponse(),
      9,
    ],
    ['responses parse', json(RESPONSE), async (c) => c.responses.parse({ model: 'gpt-4o-mini', input: 'Hi' }), 9],
    [
      'completions',
      json({ ...ANSWER, choices: [{ text: 'x', index: 0, finish_reason: 'stop', logprobs: null }] }),
      async (c) => c.completions.create({ model: 'm', prompt: 'Hi' }),
      12,
    ],
    [
      'embeddings',
      json(EMBEDDING),
      async (c) => c.embeddings.create({ model: 'text-embedding-3-small', input: 'Hi', encoding_format: 'float' }),
      3,
    ],
    [
      'embeddings as the SDK asks for them',
      json({ ...EMBEDDING, data: [{ object: 'embedding', index: 0, embedding: 'AACAPw==' }] }),
      async (c) => c.embeddings.create({ model: 'text-embedding-3-small', input: 'Hi' }),
      3,
    ],
  ];

  for (const [way, answer, call, promptTokens] of WAYS) {
    test(`${name}: ${way} is one call with the provider's usage`, async (t) => {
      const provider = await aProvider(answer);
      t.after(provider.close);
      const world = aWorld();
      const client = new (world.watched(OpenAI))({ apiKey: 'sk-own', baseURL: `${provider.url}/v1` });

      await call(client);

      assert.equal(world.guard().calls.length, 1);
      assert.equal(world.guard().end.usage?.prompt_tokens, promptTokens);
      assert.equal(world.guard().end.outcome, 'complete');
      assert.equal(world.guard().end.isEstimated, false);
      assert.equal(world.guards.length, 1, 'copies share one guard');
    });
  }

  test(`${name}: a wrapped client answers and sends what an unwrapped one does, byte for byte`, async (t) => {
    const provider = await aProvider(json(ANSWER));
    t.after(provider.close);
    const world = aWorld();
    const options = { apiKey: 'sk-own', baseURL: `${provider.url}/v1` };
    const request = { ...CHAT, metadata: { a: 'b' }, ...({ stop: undefined } as object) };
    const before = structuredClone(request);

    const plain = await new OpenAI(options).chat.completions.create(request);
    const watched = await new (world.watched(OpenAI))({
      ...options,
      agentwatchApiKey: 'aw_test_secret',
    }).chat.completions.create(request);
    const wrapped = await world
      .wrap(new OpenAI(options), { agentwatchApiKey: 'aw_test_secret' })
      .chat.completions.create(request);

    assert.deepEqual([watched, wrapped], [plain, plain]);
    const [first, ...others] = provider.journal.map(({ body, headers }) => ({ body, headers: withoutNoise(headers) }));
    assert.deepEqual(others, [first, first]);
    assert.deepEqual(request, before);
    assert.ok(!JSON.stringify(provider.journal).includes('agentwatch'));
  });

  test(`${name}: helpers of the promise are the SDK's own`, async (t) => {
    const provider = await aProvider(json(ANSWER));
    t.after(provider.close);
    const client = new (aWorld().watched(OpenAI))({ apiKey: 'k', baseURL: provider.url });

    const promise = client.chat.completions.create(CHAT);
    const raw = await promise.asResponse();

    assert.equal(promise.constructor.name, 'APIPromise');
    assert.equal(raw.url, `${provider.url}/chat/completions`);
    assert.deepEqual(await raw.json(), ANSWER);
  });

  test(`${name}: wrap keeps identity, class, resources and private fields, and is done once`, async (t) => {
    const provider = await aProvider(json(ANSWER));
    t.after(provider.close);
    const world = aWorld();
    const client = new OpenAI({ apiKey: 'k', baseURL: provider.url });
    const { completions } = client.chat;

    const wrapped = world.wrap(world.wrap(client));
    await completions.create(CHAT);

    assert.equal(wrapped, client);
    assert.ok(wrapped instanceof OpenAI);
    assert.equal(wrapped.chat.completions, completions);
    assert.ok(wrapped.buildURL('/a', null).endsWith('/a'));
    assert.equal(world.guard().calls.length, 1);
    assert.equal(world.watched(world.watched(OpenAI)), world.watched(OpenAI));
    assert.equal(world.watched(OpenAI).name, OpenAI.name);
  });

  test(`${name}: retries are one call, whose attempts are counted`, async (t) => {
    const busy = json({ error: { message: 'busy' } }, 500, { 'retry-after-ms': '1' });
    const provider = await aProvider(busy, busy, json(ANSWER));
    t.after(provider.close);
    const world = aWorld();

    await new (world.watched(OpenAI))({ apiKey: 'k', baseURL: provider.url }).chat.completions.create(CHAT);

    assert.equal(world.guard().calls.length, 1);
    assert.equal(world.guard().end.attempts, 3);
    assert.equal(world.guard().end.status, 200);
  });

  test(`${name}: an error of the provider arrives as the SDK's, and nothing is reported as billed`, async (t) => {
    const provider = await aProvider(json({ error: { message: 'no', code: 'model_not_found' } }, 404));
    t.after(provider.close);
    const world = aWorld();
    const client = new (world.watched(OpenAI))({ apiKey: 'k', baseURL: provider.url });

    await assert.rejects(async () => client.chat.completions.create(CHAT), OpenAI.NotFoundError);

    const { outcome, usage, status, errorCode } = world.guard().end;
    assert.deepEqual(
      { outcome, usage, status, errorCode },
      { outcome: 'failed', usage: null, status: 404, errorCode: 'model_not_found' },
    );
  });

  test(`${name}: a refusal of the guard arrives as itself, and nothing is sent`, async (t) => {
    const provider = await aProvider(json(ANSWER));
    t.after(provider.close);
    const world = aWorld();
    const client = new (world.watched(OpenAI))({ apiKey: 'k', baseURL: provider.url });
    const refusal = new Error('no money');
    world.guard().refusal = refusal;

    await assert.rejects(
      async () => client.chat.completions.create(CHAT),
      (error) => error === refusal,
    );
    await assert.rejects(
      async () => client.images.generate({ prompt: 'x' }),
      (error) => error === refusal,
    );

    assert.equal(provider.journal.length, 0);
    assert.deepEqual(world.guard().unmeteredPaths, ['images/generations']);
  });

  test(`${name}: copies with settings of ours have a guard of their own in the same session`, async () => {
    const world = aWorld();
    const client = new (world.watched(OpenAI))({ apiKey: 'k', agentwatchAgent: 'a' });

    client.withOptions({ agentwatchAgent: 'b' });

    assert.equal(world.guards.length, 2);
    assert.equal(world.guards[1]?.settings.agent, 'b');
    assert.equal(world.guards[1]?.settings.sessionId, world.guards[0]?.settings.sessionId);
  });

  test(`${name}: a lowered ceiling is set on a copy`, async (t) => {
    const provider = await aProvider(json(ANSWER));
    t.after(provider.close);
    const world = aWorld();
    const client = new (world.watched(OpenAI))({ apiKey: 'k', baseURL: provider.url });
    world.guard().outputTokensMax = 64;
    const request = { ...CHAT, max_completion_tokens: 500 };

    await client.chat.completions.create(request);

    assert.equal(JSON.parse(provider.journal[0]?.body ?? '').max_completion_tokens, 64);
    assert.equal(request.max_completion_tokens, 500);
  });

  test(`${name}: personal data of request and answer is named in facts and end`, async (t) => {
    const provider = await aProvider(events([chunk('ada@'), chunk('example.org'), LAST_CHUNK]));
    t.after(provider.close);
    const world = aWorld();
    const client = new (world.watched(OpenAI))({ apiKey: 'k', baseURL: provider.url });

    const messages = [{ role: 'user' as const, content: 'I am bob@example.org' }];
    await drained(await client.chat.completions.create({ ...CHAT, messages, stream: true }));

    assert.deepEqual(world.guard().call.facts.risks, ['PII_EMAIL']);
    assert.deepEqual(world.guard().end.risks, ['PII_EMAIL']);
  });

  test(`${name}: a time-out after sending is reported at the estimate: the provider may have answered`, async (t) => {
    const provider = await aProvider(() => undefined);
    t.after(provider.close);
    const world = aWorld();
    const client = new (world.watched(OpenAI))({ apiKey: 'k', baseURL: provider.url, timeout: 40, maxRetries: 0 });

    await assert.rejects(async () => client.chat.completions.create(CHAT), OpenAI.APIConnectionTimeoutError);

    assert.equal(world.guard().end.outcome, 'failed');
    assert.equal(world.guard().end.isEstimated, true);
  });

  const retriesBodies = name === 'openai 7'; // Its predecessor waits for a body for ever.
  test(
    `${name}: an answer whose body never ends is one call, whatever the SDK makes of it`,
    { skip: !retriesBodies },
    async (t) => {
      const stalls = (response: ServerResponse): void => {
        response.writeHead(200, { 'content-type': 'application/json' });
        response.write('{"id":');
      };
      const provider = await aProvider(stalls, json(ANSWER));
      t.after(provider.close);
      const world = aWorld();
      const client = new (world.watched(OpenAI))({ apiKey: 'k', baseURL: provider.url, timeout: 60, maxRetries: 1 });

      const { id } = await client.chat.completions.create(CHAT);

      assert.equal(id, ANSWER.id);
      assert.equal(world.guard().end.usage?.prompt_tokens, 12);
      assert.equal(world.guard().end.attempts, 2);
    },
  );

  test(`${name}: a client that its user has sent to AgentWatch is recorded there, not here`, async (t) => {
    const edge = await aProvider(json(ANSWER));
    t.after(edge.close);
    const world = aWorld();
    const client = new (world.watched(OpenAI))({
      apiKey: 'k',
      baseURL: `${edge.url}/v1/proxy/openai/v1`,
      agentwatchBaseURL: edge.url,
    });

    await client.chat.completions.create(CHAT);

    assert.equal(world.guard().calls.length, 0);
  });

  test(`${name}: a background answer is settled when it is asked for, by the call that ordered it`, async (t) => {
    const queued = { ...RESPONSE, status: 'queued', output: [], usage: null };
    const provider = await aProvider(json(queued), json({ ...queued, status: 'in_progress' }), json(RESPONSE));
    t.after(provider.close);
    const world = aWorld();
    const client = new (world.watched(OpenAI))({ apiKey: 'k', baseURL: provider.url });

    const { id } = await client.responses.create({ model: 'gpt-4o-mini', input: 'Hi', background: true });
    await client.responses.retrieve(id);
    assert.equal(world.guard().call.ends.length, 0);
    await client.responses.retrieve(id);

    assert.equal(world.guard().calls.length, 1);
    assert.equal(world.guard().end.usage?.completion_tokens, 3);
  });
}

async function drained(stream: AsyncIterable<unknown>): Promise<unknown[]> {
  const all = [];
  for await (const each of stream) all.push(each);
  return all;
}

/** Fields that differ from request to request by themselves. */
function withoutNoise(headers: object): object {
  const noise = ['x-stainless-retry-count', 'idempotency-key', 'connection'];
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !noise.includes(name)));
}
