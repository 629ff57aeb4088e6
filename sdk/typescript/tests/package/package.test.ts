import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { after, before, beforeEach, afterEach, test } from 'node:test';

import { BothServers, Installed } from './packed.ts';

let installed: Installed;
let servers: BothServers;

before(async () => {
  installed = await Installed.make();
});
after(() => installed.remove());
beforeEach(async () => {
  servers = await new BothServers().start();
});
afterEach(() => servers.stop());

const NAMES =
  'AgentBudgetCheckUnavailable,AgentBudgetExceeded,AgentWatchError,' +
  'Session,analyzeText,currentSession,flush,inSession,session,watched,wrap';

function settings(): Record<string, string> {
  return { AGENTWATCH_BASE_URL: servers.url, AGENTWATCH_API_KEY: 'aw_test_token', PROVIDER: servers.provider };
}

const CALLS = `
  const openai = new WatchedOpenAI({ apiKey: 'k', baseURL: process.env.PROVIDER + '/v1' });
  const anthropic = new WatchedAnthropic({ apiKey: 'k', baseURL: process.env.PROVIDER });
  const messages = [{ role: 'user', content: 'hello' }];
  await openai.chat.completions.create({ model: 'gpt-4o-mini', messages });
  for await (const chunk of await openai.chat.completions.create({ model: 'gpt-4o-mini', messages, stream: true }));
  await anthropic.messages.create({ model: 'claude-haiku-4-5', max_tokens: 9, messages });
  await entry.flush();
`;

test('it is imported as ESM, with all three entries', async () => {
  const program = `
    import * as entry from '@agentwatch/sdk';
    import { WatchedOpenAI } from '@agentwatch/sdk/openai';
    import { WatchedAnthropic } from '@agentwatch/sdk/anthropic';
    ${CALLS}
    console.log(Object.keys(entry).sort().join());
  `;

  assert.equal(await installed.run('imported.mjs', program, settings()), NAMES);
  assert.deepEqual(
    servers.reports.map(({ model }) => model),
    ['gpt-4o-mini-2024-07-18', 'gpt-4o-mini-2024-07-18', 'claude-haiku-4-5'],
  );
});

test('it is required as CommonJS, with all three entries', async () => {
  const program = `
    const entry = require('@agentwatch/sdk');
    const { WatchedOpenAI } = require('@agentwatch/sdk/openai');
    const { WatchedAnthropic } = require('@agentwatch/sdk/anthropic');
    (async () => { ${CALLS} console.log(Object.keys(entry).sort().join()); })();
  `;

  assert.equal(await installed.run('required.cjs', program, settings()), NAMES);
  assert.equal(servers.reports.length, 3);
});

test('both in one process share sessions and what is sent, and know each other’s errors by name and code', async () => {
  const program = `
    import { createRequire } from 'node:module';
    import * as imported from '@agentwatch/sdk';
    import { WatchedOpenAI } from '@agentwatch/sdk/openai';
    const require = createRequire(import.meta.url);
    const required = require('@agentwatch/sdk');
    const Required = require('@agentwatch/sdk/openai').WatchedOpenAI;
    const options = { apiKey: 'k', baseURL: process.env.PROVIDER + '/v1' };
    const call = (client) =>
      client.chat.completions.create({ model: 'm', messages: [{ role: 'user', content: 'hello' }] });
    await imported.session({ sessionId: 'one-run' }, async () => {
      await call(new WatchedOpenAI(options));
      await call(new Required(options));
    });
    await imported.flush();
    const error = new required.AgentBudgetExceeded('s', 1, 1);
    console.log(imported === required, error instanceof imported.AgentBudgetExceeded, error.name, error.code);
  `;

  const printed = await installed.run('both.mjs', program, settings());

  assert.equal(printed, 'false false AgentBudgetExceeded agent_budget_exceeded');
  assert.deepEqual(
    servers.reports.map(({ session_id, iteration_index }) => [session_id, iteration_index]),
    [
      ['one-run', 1],
      ['one-run', 2],
    ],
  );
});

test('it works without either client, for what needs none', async () => {
  const program = `
    import { analyzeText, session, currentSession } from '@agentwatch/sdk';
    const tags = analyzeText('to bob@corp-mail.com').join();
    session({ sessionId: 'x' }, () => console.log(currentSession().id, tags));
  `;

  assert.equal(await installed.run('alone.mjs', program), 'x PII_EMAIL');
});

test('its types are those of the client, in both kinds of module', async () => {
  const program = `
    import OpenAI from 'openai';
    import { analyzeText, session, watched, wrap, type RiskTag } from '@agentwatch/sdk';
    import { WatchedOpenAI } from '@agentwatch/sdk/openai';
    import { WatchedAnthropic } from '@agentwatch/sdk/anthropic';

    export async function main(): Promise<string | null | undefined> {
      const client: OpenAI = new WatchedOpenAI({ apiKey: 'k', agentwatchHolds: true });
      const same: OpenAI = wrap(new OpenAI(), { agentwatchEnforcementMode: true });
      const other: OpenAI = new (watched(OpenAI))({ agentwatchProject: 'p' });
      const tags: RiskTag[] = analyzeText('text');
      // @ts-expect-error: an option that there is not
      new WatchedAnthropic({ agentwatchHolds: 1 });
      const answer = await session({ budgetUsd: '0.50' }, () =>
        client.chat.completions.create({ model: 'm', messages: [] }),
      );
      return [same, other, tags].length > 0 ? answer.choices[0]?.message.content : null;
    }
  `;
  installed.write('types.mts', program);
  installed.write('types.cts', program);

  assert.equal(await installed.compile(['types.mts', 'types.cts']), '');
});

// Cloudflare's runtime ------------------------------------------------------------------------------------------------

interface Esbuild {
  build(options: unknown): Promise<{ readonly outputFiles: ReadonlyArray<{ readonly text: string }> }>;
}
interface Miniflare {
  dispatchFetch(url: string): Promise<{ readonly status: number; text(): Promise<string> }>;
  dispose(): Promise<void>;
}
interface MiniflareModule {
  readonly Miniflare: new (options: unknown) => Miniflare;
}

const fromRepository = createRequire(new URL('../../../../package.json', import.meta.url));

function isThere(name: string): boolean {
  try {
    fromRepository.resolve(name);
    return true;
  } catch {
    return false;
  }
}

const missing = isThere('miniflare') && isThere('esbuild') ? false : 'the repository’s npm packages are not installed';

/** Clients are made at the top, where the runtime refuses timers, random values and requests. */
const WORKER = `
  import { WatchedOpenAI } from '@agentwatch/sdk/openai';
  import { WatchedAnthropic } from '@agentwatch/sdk/anthropic';
  import { session } from '@agentwatch/sdk';
  const shared = { apiKey: 'k', agentwatchApiKey: 'aw_test_token', agentwatchBaseURL: SERVER };
  const openai = new WatchedOpenAI({ ...shared, baseURL: PROVIDER + '/v1' });
  const anthropic = new WatchedAnthropic({ ...shared, baseURL: PROVIDER });
  const messages = [{ role: 'user', content: 'hello' }];
  export default {
    async fetch(request) {
      const { pathname } = new URL(request.url);
      if (pathname === '/anthropic') {
        const message = await anthropic.messages.create({ model: 'claude-haiku-4-5', max_tokens: 9, messages });
        return new Response(message.content[0].text);
      }
      const stream = pathname === '/stream';
      const answer = await session({ sessionId: 'run' + pathname.replace('/', '-') }, () =>
        openai.chat.completions.create({ model: 'gpt-4o-mini', messages, stream }));
      return stream ? new Response(answer.toReadableStream()) : new Response(answer.choices[0].message.content);
    },
  };
`;

async function aWorker(compatibilityFlags: readonly string[]): Promise<Miniflare> {
  const esbuild = fromRepository('esbuild') as Esbuild;
  const { outputFiles } = await esbuild.build({
    stdin: { contents: WORKER, resolveDir: installed.folder },
    bundle: true,
    write: false,
    format: 'esm',
    target: 'es2022',
    conditions: ['workerd', 'worker', 'browser'],
    external: ['node:*', 'cloudflare:*'],
    define: { SERVER: JSON.stringify(servers.url), PROVIDER: JSON.stringify(servers.provider) },
  });
  const { Miniflare } = fromRepository('miniflare') as MiniflareModule;
  const modules = [{ type: 'ESModule', path: 'worker.mjs', contents: outputFiles[0]?.text ?? '' }];
  return new Miniflare({ modules, compatibilityDate: '2026-07-01', compatibilityFlags });
}

for (const flags of [[], ['nodejs_compat']]) {
  const title = `in a Worker ${flags.join() || 'without flags'} clients are made at its top, and reports outlive answers`;
  test(title, { skip: missing }, async () => {
    const worker = await aWorker(flags);
    try {
      const texts = [];
      for (const path of ['/whole', '/stream', '/anthropic']) {
        const response = await worker.dispatchFetch(`http://worker${path}`);
        texts.push([response.status, (await response.text()).includes('hello')]);
      }
      await servers.untilReports(3);

      assert.deepEqual(texts, Array(3).fill([200, true]));
      assert.deepEqual(
        servers.reports.map((report) => [report['prompt_tokens'], report['completion_tokens'], report['outcome']]),
        Array(3).fill([11, 5, 'complete']),
      );
    } finally {
      await worker.dispose();
    }
  });
}

test('two requests at once in a Worker do not wait for each other’s promises', { skip: missing }, async () => {
  const worker = await aWorker([]);
  try {
    const responses = await Promise.all(
      Array.from({ length: 20 }, (_, index) => worker.dispatchFetch(`http://worker/${index % 2 ? 'whole' : 'stream'}`)),
    );
    await Promise.all(responses.map((response) => response.text()));
    await servers.untilReports(20);

    assert.deepEqual([...new Set(responses.map(({ status }) => status))], [200]);
    assert.equal(servers.reports.length, 20);
  } finally {
    await worker.dispose();
  }
});
