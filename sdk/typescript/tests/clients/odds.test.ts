/** Odd surroundings: SDKs that have changed, both module systems at once, Azure, and faults of our own. */

import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import { inspect } from 'node:util';
import OpenAI, { AzureOpenAI } from 'openai';
import { AnswerReading } from '../../src/clients/answers.ts';
import { isUnsent } from '../../src/clients/failures.ts';
import { BackgroundAnswers } from '../../src/clients/background.ts';
import type { Watch } from '../../src/clients/watch.ts';
import type { clientsWith as ClientsWithFunction } from '../../src/clients/subclass.ts';
import { ANSWER, OPENAIS, aProvider, aWorld, chunk, events, json, LAST_CHUNK } from './support.ts';

const CHAT = { model: 'gpt-4o-mini', messages: [{ role: 'user' as const, content: 'Hi' }] };
type ClientsWith = typeof ClientsWithFunction;

const COMPLETIONS = { method: 'post', path: '/chat/completions', body: CHAT };

test('an SDK whose promises cannot be read along costs exactness and one warning, not the call', async () => {
  class Changed {
    baseURL = 'https://api.openai.com/v1';
    _options: object;
    constructor(options: object) {
      this._options = options;
    }
    request(options: unknown): Promise<unknown> {
      return this.makeRequest(options);
    }
    async makeRequest(options: unknown): Promise<unknown> {
      return { response: new Response('{}'), options: await options };
    }
  }
  const world = aWorld();

  const client = new (world.watched(Changed))({});
  await client.request(COMPLETIONS);

  assert.deepEqual(world.warnings, ['unwatchable']);
  assert.equal(world.guard().end.isEstimated, true);
});

test('an SDK that sends in another way is still asked for, and its calls go on', async () => {
  class Changed {
    baseURL = 'https://api.openai.com/v1';
    constructor(_options: object) {}
    async request(options: unknown): Promise<unknown> {
      return (await options) as object;
    }
  }
  const world = aWorld();
  const client = new (world.watched(Changed))({});

  const sent = await client.request(COMPLETIONS);
  world.guard().refusal = new Error('no money');

  assert.deepEqual((sent as typeof COMPLETIONS).body, CHAT);
  await assert.rejects(async () => client.request(COMPLETIONS), /no money/);
});

test('import and require are two packages, and clients of both are watched in one program', async (t) => {
  const provider = await aProvider(json(ANSWER));
  t.after(provider.close);
  const required = (createRequire(import.meta.url)('openai') as { OpenAI: typeof OpenAI }).OpenAI;
  const world = aWorld();
  assert.notEqual(required, OpenAI);

  for (const one of [required, OpenAI]) {
    await new (world.watched(one))({ apiKey: 'k', baseURL: provider.url }).chat.completions.create(CHAT);
    assert.equal(world.guard().end.isEstimated, false);
  }
});

test('two copies of this package watch a client once, under the later settings', async (t) => {
  const provider = await aProvider(json(ANSWER));
  t.after(provider.close);
  const [first, second] = [aWorld(), aWorld()];
  const { clientsWith } = (await import('../../src/clients/subclass.ts?copy' as string)) as {
    clientsWith: ClientsWith;
  };
  const copy = clientsWith(second.collaborators);

  const client = copy.wrap(first.wrap(new OpenAI({ apiKey: 'k', baseURL: provider.url })), { agentwatchAgent: 'b' });
  await client.chat.completions.create(CHAT);

  const calls = [...first.guards, ...second.guards].flatMap((guard) => guard.calls);
  assert.equal(calls.length, 1);
  assert.equal(calls[0]?.ends.length, 1);
});

test('printing a watched client shows no token of ours', () => {
  const client = new (aWorld().watched(OpenAI))({ apiKey: 'k', agentwatchApiKey: 'aw_test_secret' });

  assert.ok(!inspect(client, { depth: 20, showHidden: true }).includes('aw_test_secret'));
  assert.ok(!JSON.stringify(client.withOptions({})['_options' as 'apiKey']).includes('aw_test_secret'));
});

test('on Azure the deployment is the asked model, and what answers is the reported one', async (t) => {
  const provider = await aProvider(json(ANSWER));
  t.after(provider.close);
  const world = aWorld();
  const client = new (world.watched(AzureOpenAI))({
    apiKey: 'k',
    baseURL: `${provider.url}/openai`,
    apiVersion: '2024-10-21',
  });

  await client.withOptions({ timeout: 9_000 }).chat.completions.create({ ...CHAT, model: 'my-prod' });

  assert.equal(provider.journal[0]?.path, '/openai/deployments/my-prod/chat/completions?api-version=2024-10-21');
  assert.equal(world.guard().call.facts.model, 'my-prod');
  assert.equal(world.guard().end.model, ANSWER.model);
});

for (const [name, Client] of OPENAIS) {
  test(`${name}: faults of ours change no answer, no stream and no error of the user's`, async (t) => {
    const chunks = [chunk('Hello'), LAST_CHUNK];
    const provider = await aProvider(json(ANSWER), events(chunks), json({ error: { message: 'no' } }, 400));
    t.after(provider.close);
    const world = aWorld();
    const client = new (world.watched(Client))({ apiKey: 'k', baseURL: provider.url });
    const guard = world.guard();
    const begin = guard.begin.bind(guard);
    guard.begin = async (facts) => {
      const call = await begin(facts);
      call.end = () => assert.fail('a fault of ours');
      return call;
    };
    const seen = [];

    const answer = await client.chat.completions.create(CHAT);
    for await (const each of await client.chat.completions.create({ ...CHAT, stream: true })) seen.push(each);
    const error = await client.chat.completions.create(CHAT).catch((reason: unknown) => reason);

    assert.equal(answer.id, ANSWER.id);
    assert.equal(seen.length, chunks.length);
    assert.ok(error instanceof Client.BadRequestError);
  });

  test(`${name}: after a break nothing more is read from the provider`, async (t) => {
    let closed = (): void => undefined;
    const isClosed = new Promise<void>((resolve) => (closed = resolve));
    const provider = await aProvider((response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(`data: ${JSON.stringify(chunk('Hello'))}\n\n`);
      response.on('close', closed);
    });
    t.after(provider.close);
    const client = new (aWorld().watched(Client))({ apiKey: 'k', baseURL: provider.url });

    for await (const _ of await client.chat.completions.create({ ...CHAT, stream: true })) break;

    await isClosed;
  });
}

test('text that is kept to look through is bounded, however long the answer', () => {
  const reading = new AnswerReading('openai_chat');

  for (let count = 0; count < 1_000; count += 1) reading.event(chunk('x'.repeat(1_000)));

  assert.equal(reading.outputBytes, 1_000_000);
  assert.equal(reading.text.join('').length, 256 * 1_024);
});

test('too many background answers settle the oldest', () => {
  const dropped: string[] = [];
  const watchOf = (id: string): Watch => ({ dropped: () => dropped.push(id) }) as unknown as Watch;
  const background = new BackgroundAnswers(2);

  for (const id of ['a', 'b', 'a', 'c']) background.keep(id, watchOf(id));

  assert.deepEqual(dropped, ['b']);
});

test('only a failure to connect is known to have sent nothing', () => {
  const cause = (code: string): Error =>
    new TypeError('fetch failed', { cause: Object.assign(new Error(code), { code }) });
  const several = new TypeError('fetch failed', {
    cause: Object.assign(new AggregateError([cause('ECONNREFUSED')]), { code: '' }),
  });

  for (const error of [cause('ECONNREFUSED'), cause('ENOTFOUND'), cause('UND_ERR_CONNECT_TIMEOUT'), several])
    assert.ok(isUnsent(error));
  for (const error of [cause('ECONNRESET'), cause('UND_ERR_SOCKET'), new DOMException('x', 'AbortError'), null])
    assert.ok(!isUnsent(error));
});
