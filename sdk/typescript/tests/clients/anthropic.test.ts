/** Every way to call Anthropic's client: what is reported, and what the user has of it. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ANTHROPICS, MESSAGE, MESSAGE_EVENTS, aProvider, aWorld, events, json } from './support.ts';

const ASKED = { model: 'claude-sonnet-4-5', max_tokens: 64, messages: [{ role: 'user' as const, content: 'Hi' }] };
const PROMPT_TOKENS = 10 + 100 + 20;

for (const [name, Anthropic] of ANTHROPICS) {
  type Client = InstanceType<typeof Anthropic>;

  const WAYS: readonly (readonly [string, ReturnType<typeof json>, (client: Client) => Promise<unknown>])[] = [
    ['create', json(MESSAGE), async (c) => c.messages.create(ASKED)],
    ['create().withResponse()', json(MESSAGE), async (c) => c.messages.create(ASKED).withResponse()],
    [
      'withOptions',
      json(MESSAGE),
      async (c) => c.withOptions({ timeout: 9_000 }).withOptions({}).messages.create(ASKED),
    ],
    ['beta', json(MESSAGE), async (c) => c.beta.messages.create(ASKED)],
    ['post', json(MESSAGE), async (c) => c.post('/v1/messages', { body: ASKED })],
    ['request', json(MESSAGE), async (c) => c.request({ method: 'post', path: '/v1/messages', body: ASKED })],
    [
      'create stream',
      events(MESSAGE_EVENTS),
      async (c) => drained(await c.messages.create({ ...ASKED, stream: true })),
    ],
    [
      'tee',
      events(MESSAGE_EVENTS),
      async (c) => Promise.all((await c.messages.create({ ...ASKED, stream: true })).tee().map(drained)),
    ],
    ['stream helper', events(MESSAGE_EVENTS), async (c) => c.messages.stream(ASKED).finalMessage()],
    ['beta stream helper', events(MESSAGE_EVENTS), async (c) => c.beta.messages.stream(ASKED).finalMessage()],
  ];

  for (const [way, answer, call] of WAYS) {
    test(`${name}: ${way} is one call with the provider's usage, cached tokens among the prompt's`, async (t) => {
      const provider = await aProvider(answer);
      t.after(provider.close);
      const world = aWorld();
      const client = new (world.watched(Anthropic))({ apiKey: 'sk-own', baseURL: provider.url });

      await call(client);

      assert.equal(world.guard().calls.length, 1);
      const { usage, outcome, isEstimated, model } = world.guard().end;
      const expected = {
        prompt_tokens: PROMPT_TOKENS,
        completion_tokens: 5,
        cached_input_tokens: 100,
        cache_write_5m_tokens: 20,
      };
      assert.deepEqual(usage, expected);
      assert.deepEqual(
        { outcome, isEstimated, model },
        { outcome: 'complete', isEstimated: false, model: MESSAGE.model },
      );
      assert.equal(world.guards.length, 1, 'copies share one guard');
    });
  }

  test(`${name}: a wrapped client answers and sends what an unwrapped one does, byte for byte`, async (t) => {
    const provider = await aProvider(json(MESSAGE));
    t.after(provider.close);
    const world = aWorld();
    const options = { apiKey: 'sk-own', baseURL: provider.url };

    const plain = await new Anthropic(options).messages.create(ASKED);
    const watched = await new (world.watched(Anthropic))({
      ...options,
      agentwatchApiKey: 'aw_test_secret',
    }).messages.create(ASKED);
    const wrapped = await world
      .wrap(new Anthropic(options), { agentwatchApiKey: 'aw_test_secret' })
      .messages.create(ASKED);

    assert.deepEqual([watched, wrapped], [plain, plain]);
    const [first, ...others] = provider.journal.map(({ body, headers }) => ({
      body,
      agent: headers['user-agent'],
      names: Object.keys(headers),
    }));
    assert.deepEqual(others, [first, first]);
    assert.ok(!JSON.stringify(provider.journal).includes('agentwatch'));
  });

  test(`${name}: counting tokens and listing models are free, batches are not metered`, async (t) => {
    const provider = await aProvider(json({ input_tokens: 3, data: [], has_more: false }));
    t.after(provider.close);
    const world = aWorld();
    const client = new (world.watched(Anthropic))({ apiKey: 'k', baseURL: provider.url });

    await client.messages.countTokens({ model: ASKED.model, messages: ASKED.messages });
    await client.models.list();
    await client.messages.batches.create({ requests: [] });

    assert.equal(world.guard().calls.length, 0);
    assert.deepEqual(world.guard().unmeteredPaths, ['messages/batches']);
  });

  test(`${name}: a middleware of the user's sees the request as it is, and the call is one`, async (t) => {
    const provider = await aProvider(
      json({ type: 'error', error: { type: 'overloaded_error', message: 'x' } }, 529, { 'retry-after-ms': '1' }),
      json(MESSAGE),
    );
    t.after(provider.close);
    const world = aWorld();
    let seen = 0;
    const middleware = [
      async (request: Request, next: (request: Request) => Promise<Response>) => ((seen += 1), next(request)),
    ];
    const client = new (world.watched(Anthropic))({ apiKey: 'k', baseURL: provider.url, middleware } as object);

    await client.messages.create(ASKED);

    assert.equal(seen, 2);
    assert.equal(world.guard().end.attempts, 2);
  });
}

async function drained(stream: AsyncIterable<unknown>): Promise<unknown[]> {
  const all = [];
  for await (const each of stream) all.push(each);
  return all;
}
