/** Ways to leave a stream, or never to read an answer: each ends its call once, at no less than was seen. */

import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { test } from 'node:test';
import type { Outcome } from '../../src/calls.ts';
import {
  ANSWER,
  ANTHROPICS,
  LAST_CHUNK,
  MESSAGE_EVENTS,
  OPENAIS,
  RESPONSE,
  RESPONSE_EVENTS,
  USAGE_CHUNK,
  aProvider,
  aWorld,
  chunk,
  events,
  hangingAfter,
  json,
  type RecordingGuard,
} from './support.ts';

interface EventStream extends AsyncIterable<unknown> {
  readonly controller: AbortController;
  tee(): [AsyncIterable<unknown>, AsyncIterable<unknown>];
}

const CHAT = { model: 'gpt-4o-mini', messages: [{ role: 'user' as const, content: 'Hi' }], stream: true as const };
const ASKED = { model: 'claude-sonnet-4-5', max_tokens: 64, messages: CHAT.messages, stream: true as const };
const CHUNKS = [chunk('Hello, this is '), chunk('a longer answer'), chunk(' than that'), LAST_CHUNK];

const LEAVING: readonly (readonly [string, (stream: EventStream) => Promise<void>, Outcome])[] = [
  ['break after one', async (s) => void (await firstOf(s)), 'client_disconnected'],
  ['throw in the loop', async (s) => assert.rejects(thrownIn(s), /mine/), 'client_disconnected'],
  ['return() of the iterator', async (s) => returned(s), 'client_disconnected'],
  ['abort of the controller', async (s) => aborted(s), 'client_disconnected'],
  ['abort while nobody reads', async (s) => s.controller.abort(), 'client_disconnected'],
];

for (const [name, OpenAI] of OPENAIS) {
  for (const [way, leave, outcome] of LEAVING) {
    test(`${name}: ${way} ends the call once, at what was seen`, async (t) => {
      const provider = await aProvider(hangingAfter(CHUNKS.slice(0, 2)));
      t.after(provider.close);
      const world = aWorld();
      const client = new (world.watched(OpenAI))({ apiKey: 'k', baseURL: provider.url });

      await leave((await client.chat.completions.create(CHAT)) as unknown as EventStream);

      assert.equal(world.guard().end.outcome, outcome);
      assert.equal(world.guard().end.isEstimated, true);
      assert.ok((world.guard().end.usage?.prompt_tokens ?? 0) > 0);
    });
  }

  test(`${name}: the later a stream is left, the more is counted`, async (t) => {
    const provider = await aProvider(hangingAfter(CHUNKS.slice(0, 3)));
    t.after(provider.close);
    const counts: number[] = [];
    for (const left of [1, 2, 3]) {
      const world = aWorld();
      const client = new (world.watched(OpenAI))({ apiKey: 'k', baseURL: provider.url });
      let seen = 0;
      for await (const _ of await client.chat.completions.create(CHAT)) if ((seen += 1) === left) break;
      counts.push(world.guard().end.usage?.completion_tokens ?? 0);
    }

    assert.ok(counts[0]! > 0 && counts[0]! < counts[1]! && counts[1]! < counts[2]!, String(counts));
  });

  test(`${name}: a full read is complete, though the SDK closes the transport itself`, async (t) => {
    const provider = await aProvider(events(CHUNKS));
    t.after(provider.close);
    const world = aWorld();
    const client = new (world.watched(OpenAI))({ apiKey: 'k', baseURL: provider.url });

    for await (const _ of await client.chat.completions.create(CHAT));

    assert.equal(world.guard().end.outcome, 'complete');
    assert.equal(world.guard().end.isEstimated, true, 'this server is not asked for usage');
  });

  test(`${name}: usage is asked for where the server takes it, and its chunk is taken out again`, async (t) => {
    const withNulls = CHUNKS.map((each) => ({ ...each, usage: null }));
    const provider = await aProvider(events(CHUNKS), events([...withNulls, USAGE_CHUNK]));
    t.after(provider.close);
    const world = aWorld();
    const options = { apiKey: 'k', fetch: toProvider(provider.url) };

    const plain = await all(await new OpenAI(options).chat.completions.create(CHAT));
    const watched = await all(await new (world.watched(OpenAI))(options).chat.completions.create(CHAT));

    assert.deepEqual(watched, plain);
    assert.deepEqual(JSON.parse(provider.journal[1]?.body ?? '').stream_options, { include_usage: true });
    assert.equal(world.guard().end.usage?.completion_tokens, 5);
    assert.equal(world.guard().end.isEstimated, false);
  });

  test(`${name}: stream_options of the user's stay, and so does their chunk`, async (t) => {
    const provider = await aProvider(events([...CHUNKS, USAGE_CHUNK]));
    t.after(provider.close);
    const world = aWorld();
    const client = new (world.watched(OpenAI))({ apiKey: 'k', fetch: toProvider(provider.url) });
    const stream_options = { include_usage: true };

    const seen = await all(await client.chat.completions.create({ ...CHAT, stream_options }));

    assert.equal(seen.length, CHUNKS.length + 1);
    assert.deepEqual(JSON.parse(provider.journal[0]?.body ?? '').stream_options, stream_options);
  });

  test(`${name}: a response stream without its last event was cut on its way`, async (t) => {
    const provider = await aProvider(events(RESPONSE_EVENTS.slice(0, -1)));
    t.after(provider.close);
    const world = aWorld();
    const client = new (world.watched(OpenAI))({ apiKey: 'k', baseURL: provider.url });

    for await (const _ of await client.responses.create({ model: 'm', input: 'Hi', stream: true }));

    assert.equal(world.guard().end.outcome, 'failed');
    assert.equal(world.guard().end.errorCode, 'stream_truncated');
  });

  test(`${name}: a background stream that is left goes on, and is settled when asked for`, async (t) => {
    const provider = await aProvider(hangingAfter(RESPONSE_EVENTS.slice(0, 1)), json(RESPONSE));
    t.after(provider.close);
    const world = aWorld();
    const client = new (world.watched(OpenAI))({ apiKey: 'k', baseURL: provider.url });

    await firstOf(await client.responses.create({ model: 'm', input: 'Hi', stream: true, background: true }));
    assert.equal(world.guard().call.ends.length, 0);
    await client.responses.retrieve('resp_1');

    assert.equal(world.guard().end.usage?.prompt_tokens, 9);
  });

  test(`${name}: helpers that are aborted end the call once`, async (t) => {
    const provider = await aProvider(hangingAfter(CHUNKS.slice(0, 1)), hangingAfter(RESPONSE_EVENTS.slice(0, 4)));
    t.after(provider.close);
    for (const open of ['chat', 'responses'] as const) {
      const world = aWorld();
      const client = new (world.watched(OpenAI))({ apiKey: 'k', baseURL: provider.url });
      const stream =
        open === 'chat' ? client.chat.completions.stream(CHAT) : client.responses.stream({ model: 'm', input: 'Hi' });
      for await (const _ of stream) break;
      await stream.done().catch(() => undefined);

      assert.equal(world.guard().end.outcome, 'client_disconnected');
    }
  });

  test(`${name}: an error inside a stream arrives as the SDK's, and what was written is reported`, async (t) => {
    const provider = await aProvider(events([chunk('Hello there'), { error: { message: 'x', code: 'server_error' } }]));
    t.after(provider.close);
    const world = aWorld();
    const client = new (world.watched(OpenAI))({ apiKey: 'k', baseURL: provider.url });

    await assert.rejects(async () => all(await client.chat.completions.create(CHAT)), OpenAI.APIError);

    assert.equal(world.guard().end.outcome, 'failed');
    assert.equal(world.guard().end.errorCode, 'server_error');
    assert.ok((world.guard().end.usage?.completion_tokens ?? 0) > 0);
  });

  test(`${name}: an answer that is never read, or read by hand, is settled at the estimate`, async (t) => {
    const provider = await aProvider(events(CHUNKS), json(ANSWER), hangingAfter(CHUNKS.slice(0, 2)));
    t.after(provider.close);
    const world = aWorld();
    const client = new (world.watched(OpenAI))({ apiKey: 'k', baseURL: provider.url });

    await dropping(async () => client.chat.completions.create(CHAT));
    await dropping(async () => (await client.chat.completions.create({ ...CHAT, stream: false }).asResponse()).json());

    await collected(world.guard(), 2);
    for (const { ends } of world.guard().calls) {
      assert.equal(ends.length, 1);
      assert.equal(ends[0]?.isEstimated, true);
      assert.ok((ends[0]?.usage?.completion_tokens ?? 0) > 0);
    }
  });

  test(`${name}: a call that nobody waits for rejects once, as an unwrapped one does`, async (t) => {
    const provider = await aProvider(json({ error: { message: 'no' } }, 400));
    t.after(provider.close);
    const options = { apiKey: 'k', baseURL: provider.url };
    const clients = [new OpenAI(options), new (aWorld().watched(OpenAI))(options)];
    const counts: number[] = [];
    for (const client of clients)
      counts.push(await unhandledFrom(() => void client.chat.completions.create(CHAT), provider.journal));

    assert.deepEqual(counts, [1, 1]);
  });

  test(`${name}: an abort in the pre-flight reaches the user at once, and what was opened is released`, async (t) => {
    const provider = await aProvider(json(ANSWER));
    t.after(provider.close);
    const world = aWorld();
    const client = new (world.watched(OpenAI))({ apiKey: 'k', baseURL: provider.url });
    let open = (): void => undefined;
    world.guard().opening = new Promise((resolve) => (open = resolve));
    const controller = new AbortController();

    const call = client.chat.completions.create(CHAT, { signal: controller.signal });
    setImmediate(() => controller.abort());
    await assert.rejects(async () => call, OpenAI.APIUserAbortError);
    open();
    await world.guard().opening;
    await new Promise(setImmediate);

    assert.equal(provider.journal.length, 0);
    assert.equal(world.guard().end.usage, null);
  });
}

for (const [name, OpenAI] of OPENAIS) {
  test(`${name}: no call leaves a listener of ours on its user's long-lived signal`, async (t) => {
    const provider = await aProvider(json(ANSWER));
    t.after(provider.close);
    const { signal } = new AbortController();
    const options = { apiKey: 'k', baseURL: provider.url };
    const left: number[] = [];
    for (const client of [new OpenAI(options), new (aWorld().watched(OpenAI))(options)]) {
      const before = getEventListeners(signal, 'abort').length;
      for (let turn = 0; turn < 8; turn += 1) {
        await client.chat.completions.create({ ...CHAT, stream: false }, { signal });
      }
      left.push(getEventListeners(signal, 'abort').length - before);
    }

    assert.equal(left[1], left[0]);
  });
}

for (const [name, Anthropic] of ANTHROPICS) {
  for (const [way, leave, outcome] of LEAVING) {
    test(`${name}: ${way} ends the call once, with the input that the provider told`, async (t) => {
      const provider = await aProvider(hangingAfter(MESSAGE_EVENTS.slice(0, 4)));
      t.after(provider.close);
      const world = aWorld();
      const client = new (world.watched(Anthropic))({ apiKey: 'k', baseURL: provider.url });

      await leave((await client.messages.create(ASKED)) as unknown as EventStream);

      assert.equal(world.guard().end.outcome, outcome);
      assert.equal(world.guard().end.isEstimated, true);
      if (way !== 'abort while nobody reads') assert.equal(world.guard().end.usage?.prompt_tokens, 130);
    });
  }

  test(`${name}: a helper that is aborted ends the call once`, async (t) => {
    const provider = await aProvider(hangingAfter(MESSAGE_EVENTS.slice(0, 4)));
    t.after(provider.close);
    const world = aWorld();
    const client = new (world.watched(Anthropic))({ apiKey: 'k', baseURL: provider.url });

    const stream = client.messages.stream({ ...ASKED });
    for await (const _ of stream) break;
    await stream.done().catch(() => undefined);

    assert.equal(world.guard().end.outcome, 'client_disconnected');
  });

  test(`${name}: a stream that is dropped half-way is settled when it is collected`, async (t) => {
    const provider = await aProvider(hangingAfter(MESSAGE_EVENTS.slice(0, 4)));
    t.after(provider.close);
    const world = aWorld();
    const client = new (world.watched(Anthropic))({ apiKey: 'k', baseURL: provider.url });

    await dropping(async () => (await client.messages.create(ASKED))[Symbol.asyncIterator]().next());

    await collected(world.guard(), 1);
    assert.equal(world.guard().end.outcome, 'client_disconnected');
  });
}

async function all(stream: AsyncIterable<unknown>): Promise<unknown[]> {
  const seen = [];
  for await (const each of stream) seen.push(each);
  return seen;
}

async function firstOf(stream: AsyncIterable<unknown>): Promise<unknown> {
  for await (const each of stream) return each;
  return undefined;
}

async function thrownIn(stream: EventStream): Promise<void> {
  for await (const _ of stream) throw new Error('mine');
}

async function returned(stream: EventStream): Promise<void> {
  const iterator = stream[Symbol.asyncIterator]();
  await iterator.next();
  await iterator.return?.();
}

async function aborted(stream: EventStream): Promise<void> {
  for await (const _ of stream) stream.controller.abort();
}

function toProvider(url: string): (input: string | URL | Request, init?: RequestInit) => Promise<Response> {
  return (input, init) => fetch(String(input).replace('https://api.openai.com', url), init);
}

/** Keeps nothing of what is made within. */
async function dropping(make: () => Promise<unknown>): Promise<void> {
  await make();
}

async function collected(guard: RecordingGuard, count: number): Promise<void> {
  setFlagsFromString('--expose-gc');
  const gc = runInNewContext('gc') as () => void;
  for (let turn = 0; turn < 200; turn += 1) {
    gc();
    await new Promise((resolve) => setTimeout(resolve, 5));
    if (guard.calls.flatMap(({ ends }) => ends).length >= count) return;
  }
}

async function unhandledFrom(call: () => void, journal: readonly unknown[]): Promise<number> {
  const others = process.rawListeners('unhandledRejection');
  process.removeAllListeners('unhandledRejection');
  let count = 0;
  process.on('unhandledRejection', () => (count += 1));
  const before = journal.length;
  call();
  for (let turn = 0; turn < 100 && (journal.length === before || count === 0); turn += 1)
    await new Promise((resolve) => setTimeout(resolve, 5));
  await new Promise((resolve) => setTimeout(resolve, 20));
  process.removeAllListeners('unhandledRejection');
  for (const other of others) process.on('unhandledRejection', other as () => void);
  return count;
}
