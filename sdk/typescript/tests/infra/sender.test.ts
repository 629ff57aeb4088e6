/** Reports reach AgentWatch once each, whatever it answers, and what waits for it is bounded. */

import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';

import { Edge } from '../../src/edge/http.ts';
import { BATCH_BYTES_MAX, BYTES_MAX, RECORDS_MAX, ReportQueue } from '../../src/edge/queue.ts';
import { Sender } from '../../src/edge/sender.ts';
import type { Heard, Question } from '../../src/protocol/question.ts';
import { saidDuring, ScriptedEdge, TOKEN } from './scriptedEdge.ts';

const DONE = { kind: 'answer', status: 200, text: 'Success', headers: new Map<string, string>() } as const;

/** Answers by a list of statuses, then with 200; keeps which reports were taken. */
class ScriptedAsks {
  readonly batches: string[][] = [];
  readonly #answers: (() => Heard)[];

  constructor(answers: (() => Heard)[] = []) {
    this.#answers = [...answers];
  }

  async ask(question: Question): Promise<Heard> {
    const batch = await idsOf(question);
    this.batches.push(batch);
    return this.#answers.shift()?.() ?? DONE;
  }
}

function said(status: number, body: unknown = '', headers: Record<string, string> = {}): () => Heard {
  return () => ({ kind: 'answer', status, text: JSON.stringify(body), headers: new Map(Object.entries(headers)) });
}

async function idsOf(question: Question): Promise<string[]> {
  const stream = new Blob([question.body ?? '']).stream();
  const isZipped = question.headers?.['content-encoding'] === 'gzip';
  const plain = isZipped ? stream.pipeThrough(new DecompressionStream('gzip')) : stream;
  const document = (await new Response(plain).json()) as { reports?: { id: string }[]; id: string };
  return (document.reports ?? [document]).map(({ id }) => id);
}

function filled(sender: Sender, count: number, padding = ''): Sender {
  for (let each = 0; each < count; each += 1) sender.add(JSON.stringify({ id: String(each), padding }), null);
  return sender;
}

const unhurried = { lingerSeconds: 3_600, isWorker: false };

test('two hundred reports of a kilobyte go in one batch, each once', async () => {
  const asks = new ScriptedAsks();
  assert.ok(await filled(new Sender(asks, unhurried), 200, 'x'.repeat(1_000)).flush(5));
  assert.deepEqual(asks.batches.map((batch) => batch.length), [200]);
});

test('batches are bounded in bytes', async () => {
  const asks = new ScriptedAsks();
  await filled(new Sender(asks, unhurried), 30, 'x'.repeat(100_000)).flush(5);
  assert.ok(asks.batches.every((batch) => batch.length * 100_000 <= BATCH_BYTES_MAX));
  assert.equal(asks.batches.flat().length, 30);
});

test('each answer has its consequence, and none makes a report go twice that was taken', async () => {
  const refused = [{ index: 0, retryable: true }, { index: 2, retryable: false }];
  const table: [string, (() => Heard)[], string[][], number][] = [
    ['later', [said(503)], [['0', '1', '2'], ['0', '1', '2']], 0],
    ['halved', [said(413)], [['0', '1', '2'], ['0'], ['1', '2']], 0],
    ['halved to the one that is no good', [said(400), said(400)], [['0', '1', '2'], ['0'], ['1', '2']], 1],
    ['some refused', [said(200, { refused })], [['0', '1', '2'], ['0']], 1],
    ['unheard', [() => ({ kind: 'unheard', reason: 'time-out', isSent: true })], [['0', '1', '2'], ['0', '1', '2']], 0],
  ];
  await saidDuring(async () => {
    for (const [name, answers, batches, dropped] of table) {
      const asks = new ScriptedAsks(answers);
      const sender = filled(new Sender(asks, unhurried), 3);
      assert.ok(await sender.flush(5), name);
      assert.deepEqual(asks.batches, batches, name);
      assert.equal(sender.queue.dropped, dropped, name);
    }
  });
});

test('a wrong token stops reports with one warning, and they wait', async () => {
  const asks = new ScriptedAsks(Array.from({ length: 5 }, () => said(401)));
  const sender = filled(new Sender(asks, unhurried), 3);

  const warnings = await saidDuring(async () => {
    assert.equal(await sender.flush(5), false);
    assert.equal(await sender.flush(5), false);
  });

  assert.equal(warnings.length, 1);
  assert.equal(sender.queue.length, 3);
});

test('an impatient flush tries once, and one without time gives up', async () => {
  const asks = new ScriptedAsks(Array.from({ length: 5 }, () => said(503)));
  const sender = filled(new Sender(asks, unhurried), 3);
  assert.equal(await sender.flush(5, false), false);
  assert.equal(asks.batches.length, 1);
  assert.equal(await sender.flush(0), false);
  assert.equal(await sender.flush(5), true);
});

test('what waits is bounded in records and bytes, the oldest go, and all are counted', () => {
  for (const [count, size] of [[RECORDS_MAX * 3, 10], [400, 50_000]] as const) {
    const queue = new ReportQueue();
    for (let each = 0; each < count; each += 1) queue.add(`${each} `.padEnd(size, 'x'));
    assert.ok(queue.length <= RECORDS_MAX && queue.bytes <= BYTES_MAX);
    assert.equal(queue.dropped + queue.length, count);
    assert.equal(queue.finished, queue.dropped);
    assert.equal(queue.takeBatch(1)[0]?.split(' ')[0], String(queue.dropped));
  }
});

test('what comes back to a full queue is what is dropped', () => {
  const queue = new ReportQueue();
  for (let each = 0; each < RECORDS_MAX; each += 1) queue.add(String(each));
  const batch = queue.takeBatch(100);
  for (let each = 0; each < 100; each += 1) queue.add(`late ${each}`);
  queue.putBack(batch);
  assert.deepEqual([queue.length, queue.dropped, queue.takeBatch(1)], [RECORDS_MAX, 100, ['100']]);
});

test('a timer runs only while something waits', async () => {
  const before = timers();
  const sender = new Sender(new ScriptedAsks(), { lingerSeconds: 3_600, isWorker: false });
  assert.equal(timers(), before);
  filled(sender, 5);
  await sender.flush(5);
  assert.equal(timers(), before);
});

function timers(): number {
  return process.getActiveResourcesInfo().filter((each) => each === 'Timeout').length;
}

test('in a Worker each report is sent in a promise of its own request, and a failed one by the next', async () => {
  const asks = new ScriptedAsks([said(503)]);
  const sender = new Sender(asks, { isWorker: true });
  const kept: Promise<unknown>[] = [];
  const before = timers();

  sender.add('{"id":"a"}', (promise) => kept.push(promise));
  await Promise.all(kept);
  assert.equal(sender.queue.length, 1);
  assert.ok(await sender.flush(5));

  assert.deepEqual(asks.batches, [['a'], ['a']]);
  assert.equal(kept.length, 1);
  assert.equal(timers(), before);
});

test('in a Worker no request waits for the promise of another', async () => {
  let release = (): void => undefined;
  const never = new Promise<Heard>((resolve) => (release = () => resolve(DONE)));
  const batches: Question[] = [];
  const asks = { ask: (question: Question) => (batches.push(question) === 1 ? never : Promise.resolve<Heard>(DONE)) };
  const sender = new Sender(asks, { isWorker: true });
  const first: Promise<unknown>[] = [];
  const second: Promise<unknown>[] = [];

  sender.add('{"id":"a"}', (promise) => first.push(promise));
  sender.add('{"id":"b"}', (promise) => second.push(promise));

  await Promise.all(second);
  assert.ok(await sender.flush(5));
  assert.equal(batches.length, 2);
  release();
  await Promise.all(first);
});

test('in a Worker without waitUntil reports wait for a flush, and that is said once', async () => {
  const asks = new ScriptedAsks();
  const sender = new Sender(asks, { isWorker: true });
  const warnings = await saidDuring(async () => {
    filled(sender, 3);
    await new Promise(setImmediate);
  });
  assert.equal(asks.batches.length, 0);
  assert.equal(warnings.length, 1);
  assert.ok(await sender.flush(5));
  assert.deepEqual(asks.batches, [['0', '1', '2']]);
});

test('ten thousand questions need no more sockets than were open at once', async (context) => {
  const server = await new ScriptedEdge().start();
  context.after(() => server.stop());
  const edge = new Edge(server.url, TOKEN);
  const question: Question = { method: 'POST', path: '/v1/ingest', body: '{"a":1}' };
  const ask = async (count: number): Promise<number> => {
    for (let each = 0; each < count; each += 8) {
      await Promise.all(Array.from({ length: 8 }, () => edge.ask(question, 10)));
    }
    return server.sockets;
  };

  const few = await ask(1_000);
  const many = await ask(9_000);

  assert.ok(many <= few + 8, `${few} sockets, then ${many}`);
});

test('an answer that has no end is not read to it', async (context) => {
  const server = await new ScriptedEdge().start();
  context.after(() => server.stop());
  server.reply = () => ({ body: 'x'.repeat(5_000_000) });
  const heard = await new Edge(server.url, TOKEN).ask({ method: 'GET', path: '/v1/budget-check' }, 10);
  assert.deepEqual(heard, { kind: 'unheard', reason: 'the answer is too long', isSent: true });
});

test('an answer that stops in the middle is waited for no longer than one that does not begin', async (context) => {
  const server = createServer((_, response) => void response.writeHead(200).write('{"exceeded":'));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  context.after(() => (server.closeAllConnections(), server.close()));
  const { port } = server.address() as AddressInfo;
  const heard = await new Edge(`http://127.0.0.1:${port}`, TOKEN).ask({ method: 'GET', path: '/' }, 0.05);
  assert.deepEqual(heard, { kind: 'unheard', reason: 'time-out', isSent: true });
});

test('what was not sent is told from what may have been', async () => {
  const gone = await new ScriptedEdge().start();
  const { url } = gone;
  await gone.stop();
  const heard = await new Edge(url, TOKEN).ask({ method: 'GET', path: '/' }, 5);
  assert.deepEqual(heard, { kind: 'unheard', reason: 'ECONNREFUSED', isSent: false });
});

test('each question has a signal of its own, so none gathers listeners', async (context) => {
  const server = await new ScriptedEdge().start();
  context.after(() => server.stop());
  const signals = new Set<AbortSignal>();
  const given = globalThis.fetch;
  const edge = new Edge(server.url, TOKEN);
  globalThis.fetch = (input, init) => given(input, (signals.add(init?.signal as AbortSignal), init));
  try {
    for (let each = 0; each < 1_000; each += 1) await edge.ask({ method: 'GET', path: '/' }, 5);
  } finally {
    globalThis.fetch = given;
  }
  assert.equal(signals.size, 1_000);
});
