/** Every path that the SDKs can send to is known: metered, free, or costly and not metered. */

import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { backgroundIdOf, barePath, dialectOf, kindOf } from '../../src/clients/paths.ts';

const SDKS = ['openai', 'openai-previous', '@anthropic-ai/sdk', 'anthropic-previous'];
/** A call of a sending method, and the text of its path. */
const SENDING = /_client\s*\.(post|put|patch)\((?:\(0, \w+\.path\) ?)?[`'"]([^`'"]+)/g;
const ANY_SENDING = /_client\s*\.(?:post|put|patch)\(/g;

for (const sdk of SDKS) {
  test(`every path that ${sdk} sends to is known`, () => {
    const sources = sourcesOf(sdk);
    const found = sources.flatMap((source) =>
      [...source.matchAll(SENDING)].map(([, method, path]) => [method ?? '', path ?? ''] as const),
    );
    const calls = sources.reduce((total, source) => total + [...source.matchAll(ANY_SENDING)].length, 0);

    const unknown = found.filter(
      ([method, path]) => kindOf(method, barePath(path.replace(/\$\{[^}]*\}/g, 'x1'))) === 'unknown',
    );

    assert.ok(found.length > 50, 'the SDK is written as it was');
    assert.equal(calls - found.length, 0, 'every call names its path where it is made');
    assert.deepEqual(unknown, []);
  });
}

test('a path nobody has looked at is unknown, and reading is free', () => {
  const cases: readonly (readonly [string, string, string])[] = [
    ['post', 'brand/new', 'unknown'],
    ['get', 'brand/new', 'free'],
    ['delete', 'chat/completions/x', 'free'],
    ['post', 'chat/completions', 'metered'],
    ['POST', 'threads/x/messages', 'free'],
    ['post', 'threads/x/runs', 'unmetered'],
    ['post', 'images/generations', 'unmetered'],
    ['post', 'constructor', 'unknown'],
  ];
  for (const [method, path, kind] of cases) assert.equal(kindOf(method, path), kind, path);
});

test('a path is bare without its root, version, slashes and query', () => {
  const cases: readonly (readonly [string, string])[] = [
    ['/chat/completions', 'chat/completions'],
    ['/v1/messages?beta=true', 'messages'],
    ['chat/completions/', 'chat/completions'],
    ['https://api.openai.com/v1/responses?a=b#c', 'responses'],
    ['https://api.groq.com/openai/v1/chat/completions', 'chat/completions'],
  ];
  for (const [path, bare] of cases) assert.equal(barePath(path), bare);
  assert.equal(dialectOf(barePath('/v1/messages?beta=true')), 'anthropic_messages');
  assert.deepEqual(
    ['responses/r1', 'responses/r1/cancel', 'responses/r1/input_items', 'responses'].map(backgroundIdOf),
    ['r1', 'r1', null, null],
  );
});

function sourcesOf(sdk: string): readonly string[] {
  const root = fileURLToPath(new URL(`../../node_modules/${sdk}/`, import.meta.url));
  return ['resources', 'lib'].flatMap((folder) =>
    readdirSync(`${root}${folder}`, { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.js'))
      .map((name) => readFileSync(`${root}${folder}/${name}`, 'utf8').replace(/\/\*[^]*?\*\//g, '')),
  );
}
