/** Sessions are told by context: over awaits and timers, side by side, and one inside another. */

import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { test } from 'node:test';

import { currentSession, inSession, session } from '../../src/session.ts';

test('a session holds over awaits and timers, and ends with its function', async () => {
  const ids = await session({ sessionId: 'a' }, async (made) => {
    await sleep(1);
    const later = await new Promise((resolve) => setTimeout(() => resolve(currentSession()?.id), 1));
    return [made.id, currentSession()?.id, later];
  });

  assert.deepEqual(ids, ['a', 'a', 'a']);
  assert.equal(currentSession(), null);
});

test('sessions side by side are not mixed up, and the innermost one counts', async () => {
  const runs = Array.from({ length: 50 }, (_, index) =>
    session({ sessionId: `outer-${index}` }, async () => {
      await sleep(index % 3);
      const inner = await session({ sessionId: `inner-${index}` }, async () => {
        await sleep(1);
        return currentSession()?.id;
      });
      return [inner, currentSession()?.id];
    }),
  );

  for (const [index, ids] of (await Promise.all(runs)).entries()) {
    assert.deepEqual(ids, [`inner-${index}`, `outer-${index}`]);
  }
});

test('a session that throws leaves none behind', () => {
  assert.throws(() => session({}, () => assert.fail('x')));
  assert.equal(currentSession(), null);
});

test('a function can take its session along to where no context is', () => {
  const emitter = new EventEmitter();
  const seen: (string | undefined)[] = [];
  session({ sessionId: 'kept' }, () => emitter.on('x', inSession(() => seen.push(currentSession()?.id))));

  session({ sessionId: 'other' }, () => emitter.emit('x'));

  assert.deepEqual(seen, ['kept']);
});

test('calls of a session are counted', () => {
  session({ budgetUsd: 0.5 }, (made) => {
    assert.deepEqual([made.nextIteration(), made.nextIteration(), made.budgetUsd], [1, 2, '0.5']);
  });
});

test('a wrong session is refused by the name of its option', () => {
  assert.throws(() => session({ sessionId: 'ü' }, () => 0), /sessionId/);
  assert.throws(() => session({ budgetUsd: -1 }, () => 0), /budgetUsd/);
  assert.throws(() => session({ project: 'a\nb' }, () => 0), /project/);
});
