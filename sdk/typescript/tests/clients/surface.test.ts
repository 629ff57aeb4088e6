/** Every method of every resource hands back what it does without us: the SDK's own promise, page or helper. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ANTHROPICS, OPENAIS, aWorld } from './support.ts';

/** Of methods that wait or loop, or begin to read at once: the streams' helpers are tried by themselves. */
const LEFT_OUT = /poll|wait|upload|runtools|toolrunner|worker|heartbeat|connect|stream/i;
const OWN = new Set(['constructor', 'request', 'methodRequest', 'makeRequest', 'withOptions']);

type Handed = readonly (readonly [string, string])[];
type Make = (Class: new (options: object) => object) => object;

const quiet = { apiKey: 'k', maxRetries: 0, logLevel: 'off', fetch: async () => Response.json({ data: [] }) };
const make: Make = (Class) => new Class(quiet);

for (const [name, SDK] of [...OPENAIS, ...ANTHROPICS]) {
  test(`${name}: every method hands back the same kind of thing`, async () => {
    const plain = await handedBy(make(SDK));
    const watched = await handedBy(make(aWorld().watched(SDK)));

    assert.ok(plain.length > 60);
    assert.deepEqual(watched, plain);
  });
}

async function handedBy(client: object): Promise<Handed> {
  const handed: [string, string][] = [];
  const settled: Promise<unknown>[] = [];
  for (const [path, resource, method] of methodsBelow(client, '')) {
    try {
      const result: unknown = method.call(resource, 'x1', { model: 'm', messages: [], input: 'x', x: 'x' }, {});
      handed.push([path, kindOf(result)]);
      if (result instanceof Promise) settled.push(Promise.resolve(result).catch(() => undefined));
    } catch (error) {
      handed.push([path, `throws ${String(error).slice(0, 60)}`]);
    }
  }
  await Promise.all(settled);
  return handed;
}

/** The class's name, and the names of what it can do. */
function kindOf(value: unknown): string {
  if (typeof value !== 'object' || value === null) return typeof value;
  const names = ['withResponse', 'asResponse', '_thenUnwrap', 'then', 'on', 'finalMessage'];
  return [value.constructor.name, ...names.filter((name) => name in value)].join(' ');
}

type Method = (...given: unknown[]) => unknown;

function* methodsBelow(holder: object, path: string): Generator<[string, object, Method]> {
  if (path !== '') {
    for (const name of Object.getOwnPropertyNames(Object.getPrototypeOf(holder))) {
      const value: unknown = Reflect.get(holder, name);
      if (typeof value === 'function' && !OWN.has(name) && !LEFT_OUT.test(name)) {
        yield [`${path}.${name}`, holder, value as Method];
      }
    }
  }
  for (const [name, value] of Object.entries(holder)) {
    const isResource = typeof value === 'object' && value !== null && '_client' in value;
    if (isResource) yield* methodsBelow(value as object, `${path}.${name}`);
  }
}
