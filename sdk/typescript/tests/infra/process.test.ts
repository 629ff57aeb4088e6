/** What importing and using the SDK does to a process: nothing at import, no exit held up, one state for all copies. */

import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { test, type TestContext } from 'node:test';

import { flush } from '../../src/edge/registry.ts';
import { Guard } from '../../src/guard.ts';
import { currentSession, session } from '../../src/session.ts';
import { readSettings } from '../../src/settings.ts';
import { ended, facts, options, ScriptedEdge } from './scriptedEdge.ts';

const SOURCE = fileURLToPath(new URL('../../src/', import.meta.url));
/** More than any wait that a script may have; a script that hangs is ended, and has no exit code. */
const PATIENCE_MS = 30_000;

const ONE_CALL = `
import { Guard } from '${SOURCE}guard.ts';
import { readSettings } from '${SOURCE}settings.ts';
import { facts, ended, options } from '${fileURLToPath(new URL('scriptedEdge.ts', import.meta.url))}';
const guard = new Guard(readSettings(options({ url: process.env.EDGE }), {}));
(await guard.begin(facts())).end(ended());
`;

/** The exit code. */
async function ran(script: string, edge: string, command: readonly string[] = [process.execPath]): Promise<unknown> {
  const [program = '', ...given] = command;
  const folder = await mkdtemp(join(tmpdir(), 'agentwatch-'));
  const file = join(folder, 'script.ts');
  await writeFile(file, script);
  const child = spawn(program, [...given, file], { env: { ...process.env, EDGE: edge }, timeout: PATIENCE_MS });
  let said = '';
  for (const pipe of [child.stdout, child.stderr]) pipe.on('data', (chunk) => (said += String(chunk)));
  const code = await new Promise((resolve) => child.on('close', resolve));
  await rm(folder, { recursive: true });
  if (code !== 0) console.error(said);
  return code;
}

async function edgeFor(context: TestContext): Promise<ScriptedEdge> {
  const edge = await new ScriptedEdge().start();
  context.after(() => edge.stop());
  return edge;
}

test('a script with one call exits by itself, and its report has come', async (context) => {
  const edge = await edgeFor(context);
  assert.equal(await ran(ONE_CALL, edge.url), 0);
  assert.equal(edge.reports.length, 1);
});

test('a script exits by itself where AgentWatch is down, mute, or refuses its token', async (context) => {
  const edge = await edgeFor(context);
  const down = await new ScriptedEdge().start();
  const address = down.url;
  await down.stop();
  assert.equal(await ran(ONE_CALL, address), 0);
  for (const reply of [null, { status: 401 }, { status: 503, headers: { 'retry-after': '60' } }]) {
    edge.reply = () => reply;
    assert.equal(await ran(ONE_CALL, edge.url), 0);
  }
});

for (const command of [['bun', 'run'], ['deno', 'run', '-A', '--no-check']]) {
  const [program = ''] = command;
  const isThere = spawnSync(program, ['--version']).status === 0;
  test(`a script of ${program} exits by itself, answered or not`, { skip: !isThere }, async (context) => {
    const edge = await edgeFor(context);
    assert.equal(await ran(ONE_CALL, edge.url, command), 0);
    assert.equal(edge.reports.length, 1);
    edge.reply = () => null;
    assert.equal(await ran(ONE_CALL, edge.url, command), 0);
  });
}

test('importing and making a client asks for no time, chance or network', async (context) => {
  const edge = await edgeFor(context);
  const script = `
const forbidden = (name) => () => { throw new Error(name + ' at import'); };
for (const name of ['setTimeout', 'setInterval', 'fetch', 'AbortController']) globalThis[name] = forbidden(name);
for (const name of ['randomUUID', 'getRandomValues']) Object.defineProperty(crypto, name, { value: forbidden(name) });
Math.random = forbidden('random');
const modules = [${(await sources()).map((path) => `'${path}'`).join(', ')}];
for (const path of modules) await import(path);
const { Guard } = await import('${SOURCE}guard.ts');
const { readSettings } = await import('${SOURCE}settings.ts');
new Guard(readSettings({ agentwatchApiKey: 'aw', agentwatchBaseURL: process.env.EDGE }, {}));
`;
  assert.equal(await ran(script, edge.url), 0);
});

test('where the runtime keeps no context, a session runs its function, and that is said once', async () => {
  const script = `
import assert from 'node:assert/strict';
process.getBuiltinModule = undefined;
const { currentSession, inSession, session } = await import('${SOURCE}session.ts');
let warnings = 0;
console.warn = () => (warnings += 1);
for (const id of ['a', 'b']) assert.equal(await session({ sessionId: id }, async (made) => made.id), id);
session({}, () => assert.equal(currentSession(), null));
assert.equal(inSession((x) => x)(7), 7);
assert.equal(warnings, 1);
`;
  assert.equal(await ran(script, ''), 0);
});

test('no module of this package imports one of the runtime', async () => {
  for (const path of await sources()) {
    const text = await readFile(path, 'utf8');
    assert.doesNotMatch(text, /(from|import|require)\s*\(?\s*['"](node|cloudflare|bun|jsr):/, path);
  }
});

async function sources(): Promise<string[]> {
  const folders = ['', 'edge', 'protocol'].map((each) => join(SOURCE, each));
  const files = await Promise.all(folders.map(async (each) => (await readdir(each)).map((name) => join(each, name))));
  return files.flat().filter((path) => path.endsWith('.ts') && !path.endsWith('index.ts'));
}

test('two copies of this package share sessions, connections and their queue', async (context) => {
  const edge = await edgeFor(context);
  const folder = await mkdtemp(join(tmpdir(), 'agentwatch-'));
  context.after(() => rm(folder, { recursive: true }));
  await cp(SOURCE, folder, { recursive: true });
  await writeFile(join(folder, 'package.json'), '{"type": "module"}');
  const copy = (name: string): Promise<unknown> => import(pathToFileURL(join(folder, name)).href);
  const other = (await copy('guard.ts')) as typeof import('../../src/guard.ts');
  const copied = (await copy('session.ts')) as typeof import('../../src/session.ts');
  assert.notEqual(other.Guard, Guard);

  const settings = readSettings(options(edge), {});
  assert.equal(new other.Guard(settings).connection, new Guard(settings).connection);
  assert.equal(copied.session({ sessionId: 'theirs' }, () => currentSession()?.id), 'theirs');
  const call = await session({ sessionId: 'ours' }, () => new other.Guard(settings).begin(facts()));
  call.end(ended());

  assert.ok(await flush(5));
  assert.deepEqual(edge.reports.map((each) => each['session_id']), ['ours']);
});
