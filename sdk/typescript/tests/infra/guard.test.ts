/** May a call go on: by what AgentWatch answers, by what it does not, and by how the client was told to take that. */

import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';

import { AgentBudgetCheckUnavailable, AgentBudgetExceeded } from '../../src/errors.ts';
import { Guard } from '../../src/guard.ts';
import { session } from '../../src/session.ts';
import { readSettings, type AgentWatchOptions } from '../../src/settings.ts';
import { processState } from '../../src/shared.ts';
import { ended, facts, options, saidDuring, ScriptedEdge, TOKEN, type Reply } from './scriptedEdge.ts';

const REFUSED = { error: { code: 'budget_exhausted', type: 'budget_error', spent_usd: '1.20', limit_usd: '1' } };

async function edgeFor(context: TestContext, reply?: () => Reply): Promise<ScriptedEdge> {
  const edge = await new ScriptedEdge().start();
  if (reply !== undefined) edge.reply = reply;
  context.after(() => edge.stop());
  return edge;
}

function guardOf(edge: ScriptedEdge, more: AgentWatchOptions = {}): Guard {
  return new Guard(readSettings(options(edge, more), {}));
}

test('without enforcement a call asks nothing and is reported', async (context) => {
  const edge = await edgeFor(context);
  const guard = guardOf(edge, { agentwatchProject: 'p', agentwatchTeam: 't' });

  const call = await guard.begin(facts());
  assert.equal(edge.asked.length, 0);
  call.end(ended());
  call.end(ended({ outcome: 'failed' }));

  assert.ok(await guard.flush());
  assert.equal(edge.reports.length, 1);
  const [report] = edge.reports;
  assert.deepEqual([report?.['event_id'], report?.['session_id'], report?.['project']], [call.eventId, 'run-1', 'p']);
  assert.equal(edge.asked[0]?.headers.authorization, `Bearer ${TOKEN}`);
});

test('each answer to a check has its consequence, open and closed', async (context) => {
  const state = { spent_usd: 0.2, limit_usd: 1, paused: false };
  const table: [Reply, 'go' | 'exceeded' | 'unknown'][] = [
    [{ body: { ...state, exceeded: false } }, 'go'],
    [{ body: { ...state, exceeded: true } }, 'exceeded'],
    [{ status: 402, body: REFUSED }, 'exceeded'],
    [{ status: 402, body: { error: { code: 'other' } } }, 'unknown'],
    [{ body: '<html>' }, 'unknown'],
    [{ body: {} }, 'unknown'],
    [{ status: 401, body: { error: { code: 'invalid_token' } } }, 'unknown'],
    [{ status: 404 }, 'unknown'],
    [{ status: 429, headers: { 'retry-after': '1' } }, 'unknown'],
    [{ status: 500 }, 'unknown'],
    [{ status: 503 }, 'unknown'],
    [{ status: 302, headers: { location: 'http://127.0.0.1:1/' } }, 'unknown'],
  ];
  await saidDuring(async () => {
    for (const [reply, expected] of table) {
      const edge = await edgeFor(context, () => reply);
      for (const isOpen of [true, false]) {
        const guard = guardOf(edge, {
          agentwatchEnforcementMode: true, agentwatchEnforcementFailOpen: isOpen, agentwatchSessionId: `open-${isOpen}`,
        });
        const outcome = await guard.begin(facts()).then(() => 'go', (error: unknown) => error);
        const what = `${JSON.stringify(reply)} ${isOpen}`;
        if (expected === 'exceeded') assert.ok(outcome instanceof AgentBudgetExceeded, what);
        else if (expected === 'unknown' && !isOpen) assert.ok(outcome instanceof AgentBudgetCheckUnavailable, what);
        else assert.equal(outcome, 'go', what);
      }
    }
  });
});

test('mute, cut and absent AgentWatch lets calls go on, or none', async (context) => {
  const mute = await edgeFor(context, () => null);
  const absent = await new ScriptedEdge().start();
  const address = { url: absent.url } as ScriptedEdge;
  await absent.stop();
  await saidDuring(async () => {
    for (const edge of [mute, address]) {
      const more = { agentwatchHolds: true, agentwatchTimeoutSeconds: 0.05 };
      const call = await guardOf(edge, more).begin(facts());
      assert.equal(call.outputTokensMax, null);
      const closed = guardOf(edge, { ...more, agentwatchEnforcementFailOpen: false });
      await assert.rejects(closed.begin(facts()), AgentBudgetCheckUnavailable);
    }
  });
});

test('a thousand calls while AgentWatch is mute wait for one answer, not for a thousand', async (context) => {
  const edge = await edgeFor(context, () => null);
  const guard = guardOf(edge, { agentwatchEnforcementMode: true, agentwatchTimeoutSeconds: 0.2 });

  const said = await saidDuring(async () => {
    for (let calls = 0; calls < 1_000; calls += 1) await guard.begin(facts());
  });

  assert.ok(edge.at('/v1/budget-check').length < 2);
  assert.equal(said.length, 1);
});

test('a hold lowers the output, and the report settles it by its id', async (context) => {
  const edge = await edgeFor(context);
  edge.reply = ({ document }) => ({ body: { hold_id: document?.['hold_id'], output_tokens_max: 77, budget: null } });
  const guard = guardOf(edge, { agentwatchHolds: true, agentwatchSessionBudgetUsd: 0.5, agentwatchAgent: 'a' });

  const call = await guard.begin(facts({ providerTools: ['web_search'] }));

  assert.equal(call.outputTokensMax, 77);
  assert.deepEqual(edge.asked[0]?.document, {
    hold_id: call.eventId, provider: 'openai', model: 'gpt-5-mini', dialect: 'openai_chat', is_streaming: false,
    input_bytes: 400, images: 0, has_unsized_input: false, choices: 1, provider_tools: ['web_search'],
    session_id: 'run-1', session_budget_usd: '0.5', agent: 'a', iteration_index: 1,
  });
  call.end(ended({ outcome: 'failed', usage: null }));
  await guard.flush();
  const [report] = edge.reports;
  assert.deepEqual([report?.['event_id'], report?.['outcome'], report?.['prompt_tokens']], [call.eventId, 'failed', 0]);
});

test('a hold that may have been granted is released where the call is not made', async (context) => {
  const edge = await edgeFor(context);
  edge.reply = ({ path }) => (path === '/v1/holds' ? { status: 500 } : { body: 'Success' });
  const guard = guardOf(edge, { agentwatchHolds: true, agentwatchEnforcementFailOpen: false });

  await saidDuring(() => assert.rejects(guard.begin(facts()), AgentBudgetCheckUnavailable));
  await guard.flush();

  assert.deepEqual(edge.reports.map((each) => each['event_id']), [edge.at('/v1/holds')[0]?.document?.['hold_id']]);
  assert.equal(edge.reports[0]?.['error_code'], 'not_sent');
});

test('a refused call leaves no report, and its repetition asks nobody', async (context) => {
  const edge = await edgeFor(context, () => ({ status: 402, body: REFUSED }));
  const guard = guardOf(edge, { agentwatchHolds: true });

  for (let calls = 0; calls < 20; calls += 1) {
    const expected = { name: 'AgentBudgetExceeded', spent: 1.2, limit: 1, sessionId: 'run-1' };
    await assert.rejects(guard.begin(facts()), expected);
  }
  assert.equal(edge.asked.length, 1);
  await assert.rejects(guard.begin(facts({ inputBytes: 1 })), AgentBudgetExceeded);
  assert.equal(edge.asked.length, 2);
  assert.equal(guard.connection.sender.queue.taken, 0);
});

test('the session counts in which a call was made, and outside any the client has one', async (context) => {
  const edge = await edgeFor(context);
  const guard = guardOf(edge, { agentwatchEnforcementMode: true });

  const inside = await session({ sessionId: 's-1', budgetUsd: 2, team: 'blue' }, () => guard.begin(facts()));
  const outside = await guard.begin(facts());
  inside.end(ended());
  outside.end(ended());
  await guard.flush();

  assert.deepEqual(edge.at('/v1/budget-check').map(({ path }) => path), [
    '/v1/budget-check?session_id=s-1&limit_usd=2',
    '/v1/budget-check?session_id=run-1',
  ]);
  const told = edge.reports.map((each) => [each['session_id'], each['team'], each['iteration_index']]);
  assert.deepEqual(told, [['s-1', 'blue', 1], ['run-1', undefined, 1]]);
});

test('through AgentWatch nothing is asked or reported until a call goes directly', async (context) => {
  const edge = await edgeFor(context);
  const guard = guardOf(edge, {
    agentwatchPrimaryProvider: 'agentwatch', agentwatchFallbackProvider: 'direct', agentwatchHolds: true,
    agentwatchSessionBudgetUsd: '1.50', agentwatchProject: 'p',
  });

  const [through, direct] = [await guard.begin(facts()), await guard.begin(facts())];
  direct.reports = true;
  through.end(ended());
  direct.end(ended());
  await guard.flush();

  assert.deepEqual(edge.reports.map((each) => each['event_id']), [direct.eventId]);
  assert.deepEqual(guard.proxyHeaders(through), {
    'x-agentwatch-session-id': 'run-1', 'x-agentwatch-budget-usd': '1.50', 'x-agentwatch-project': 'p',
    'x-agentwatch-iteration': '1',
  });
});

test('a path that nothing meters is refused in closed mode, else counted and told once', async (context) => {
  const edge = await edgeFor(context);
  const closed = guardOf(edge, { agentwatchEnforcementMode: true, agentwatchEnforcementFailOpen: false });
  assert.throws(() => closed.unmetered('images/generations'), AgentBudgetCheckUnavailable);

  const open = guardOf(edge);
  const said = await saidDuring(async () => {
    for (let calls = 0; calls < 3; calls += 1) open.unmetered('images/generations');
  });

  assert.equal(said.length, 1);
  assert.equal(open.unmeteredPaths.get('images/generations'), 3);
});

test('a mistake of ours is AgentWatch being unavailable', async (context) => {
  const edge = await edgeFor(context);
  const odd = facts({ model: 1n as never });
  await saidDuring(async () => {
    const call = await guardOf(edge, { agentwatchHolds: true }).begin(odd);
    call.end(ended({ model: null }));
    const closed = guardOf(edge, { agentwatchHolds: true, agentwatchEnforcementFailOpen: false });
    await assert.rejects(closed.begin(odd), AgentBudgetCheckUnavailable);
  });
});

test('no print, warning or error holds the token', async (context) => {
  const edge = await edgeFor(context, () => ({ status: 401, body: { error: { code: 'x', message: TOKEN } } }));
  const said = await saidDuring(async () => {
    const guard = guardOf(edge, { agentwatchEnforcementMode: true, agentwatchEnforcementFailOpen: false });
    const error = await guard.begin(facts()).catch((each: unknown) => each);
    const open = await guardOf(edge).begin(facts());
    open.end(ended());
    await guard.flush(0.2);
    console.log(guard, error, (error as Error).stack, guard.connection.edge, globalThis);
  });

  assert.ok(said.length > 1);
  assert.ok(!said.join().includes('canary'));
});

test('clients of one place share one connection, and one that is not used is let go', () => {
  const settings = readSettings(options({ url: 'http://127.0.0.1:9' }), {});
  assert.equal(new Guard(settings).connection, new Guard(settings).connection);
  for (let clients = 0; clients < 500; clients += 1) {
    new Guard(readSettings(options({ url: 'http://127.0.0.1:9' }, { agentwatchApiKey: `aw_${clients}` }), {}));
  }
  assert.ok(processState().connections.size <= 64);
});

test('calls at once ask at once', async (context) => {
  const edge = await edgeFor(context);
  const guard = guardOf(edge, { agentwatchEnforcementMode: true });
  await Promise.all(Array.from({ length: 50 }, () => guard.begin(facts())));
  assert.equal(edge.at('/v1/budget-check').length, 50);
});
