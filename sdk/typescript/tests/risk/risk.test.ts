import assert from 'node:assert/strict';
import { test } from 'node:test';

import { analyzeText, TAGS } from '../../src/risk/index.ts';
import { Effort } from '../../src/risk/pattern.ts';
import { OWNERS, tagsOf } from '../../src/risk/tags.ts';
import { CASES, CANARY, ORDINARY } from './vectors.ts';

test('no tag is found in ordinary text', () => {
  for (const { id, text } of ORDINARY) {
    assert.deepEqual(analyzeText(text), [], id);
  }
});

test('tags come in their published order and each once', () => {
  const together = CASES.filter(({ tags }) => tags.length > 0).map(({ text }) => text);

  assert.deepEqual(analyzeText(together.reverse().join('\n\n')), [...TAGS]);
  assert.deepEqual(analyzeText(`${CANARY} and ${CANARY}`), ['PII_EMAIL']);
});

test('what is no string is a type error that does not quote it', () => {
  for (const value of [null, undefined, 5, [CANARY], { text: CANARY }]) {
    assert.throws(() => analyzeText(value as unknown as string), (error: unknown) => {
      return error instanceof TypeError && !error.message.includes('corp');
    });
  }
});

test('a text that is nearly something all over has what was found so far', () => {
  const nearMisses = 'a@b.png '.repeat(200);

  assert.deepEqual(tagsOf(`${CANARY} ${nearMisses}`, new Effort(100)), ['PII_EMAIL']);
  assert.deepEqual(tagsOf(`${nearMisses} ${CANARY}`, new Effort(100)), []);
});

test('no text is an error', () => {
  const long = ['a'.repeat(300_000), '\u{1f600}'.repeat(200_000)];
  for (const text of ['', '\0', '\ud800 bob', '\u{10ffff}'.repeat(3), ...long]) {
    assert.deepEqual(analyzeText(text), []);
  }
  assert.deepEqual(analyzeText('\ud800'.repeat(50) + CANARY), ['PII_EMAIL']);
});

test('a search leaves nothing behind for the next one', () => {
  const text = `${CANARY}, 4242 4242 4242 4242`;

  assert.deepEqual(tagsOf(text, new Effort(1)), ['FINANCIAL_CREDIT_CARD']);
  assert.deepEqual(analyzeText(CANARY), ['PII_EMAIL']);
  assert.deepEqual(analyzeText(text), ['PII_EMAIL', 'FINANCIAL_CREDIT_CARD']);
});

// Growth --------------------------------------------------------------------------------------------------------------

/** Twice the text may take twice the time, and the machine may be disturbed. Quadratic work takes four times. */
const RATIO_MAX = 3;
const ONCE = 30_000;
const RUNS = 3;

const ANCHORS = [...new Set(OWNERS.flatMap(([, patterns]) => patterns.flatMap(({ anchors }) => anchors)))];
const HOSTILE: ReadonlyMap<string, string> = new Map([
  ...ANCHORS.map((anchor) => [`${anchor} repeated`, anchor] as const),
  ...ANCHORS.map((anchor) => [`${anchor} apart`, `${anchor} `] as const),
  ...ANCHORS.map((anchor) => [`${anchor} and letters`, `${anchor}abcDEF01`] as const),
  ...CASES.filter(({ name, text }) => name.includes('not: ') && text.length < 500).map(
    ({ name, text }) => [`${name} repeated`, `${text}\n`] as const,
  ),
  ['local part', 'a.'],
  ['labels', `@${'a.'.repeat(8)}`],
  ['long labels', `@${'a'.repeat(63)}.`],
  ['user', `://${'a'.repeat(130)}`],
  ['user and password', `://a:${'b'.repeat(260)}`],
  ['settings', 'server=x;pwd=<y>;'],
  ['settings without server', 'pwd=xy;'],
  ['header and base64', `-----BEGIN ${'PRIVATE KEY'}-----${'A'.repeat(63)}-`],
  ['header and breaks', `-----BEGIN ${'PRIVATE KEY'}-----${'\n'.repeat(100)}`],
  ['header and header lines', `-----BEGIN ${'PRIVATE KEY'}-----\n${'Ab-c: d\n'.repeat(10)}`],
  ['putty', 'PuTTY-User-Key-File-2: \nPrivate-Lines: 1\n'],
  ['digits', '4'],
  ['digits in fours', '4242 '],
  ['digits in threes', '212-'],
  ['phone', '+1 2 3 4 5 6 7 '],
  ['web token', 'eyJhbGciOiJIUzI1NiJ9.'],
  ['web tokens glued', 'eyJhbGciOiJIUzI1NiJ9.eyJ'],
  ['words of nineteen', `${'a'.repeat(19)} `],
  ['nothing visible', '\u200b'],
  ['nothing visible between', 'a\u200b@\u200bb.'],
  ['full width', '\uff14\uff12'],
  ['a ligature of eighteen', '\ufdfa'],
  ['pairs', '\u{1f600}'],
  ['placeholders', '[CARD]'],
  ['reserved', 'a@b.example '],
  ['findings side by side', 'a@b.cc,'],
]);

test('twice the text takes twice the time', async (suite) => {
  for (const [name, unit] of HOSTILE) {
    await suite.test(name, () => {
      const once = unit.repeat(Math.ceil(ONCE / unit.length));
      assert.ok(leastRatio(once, once + once) < RATIO_MAX);
    });
  }
});

/** Measured anew where the machine was disturbed: one run in quiet is enough to show that the growth is linear. */
function leastRatio(once: string, twice: string): number {
  let ratio = RATIO_MAX;
  for (let attempt = 0; attempt < 4 && ratio >= RATIO_MAX; attempt += 1) {
    ratio = milliseconds(twice) / Math.max(milliseconds(once), 0.05);
  }
  return ratio;
}

function milliseconds(text: string): number {
  let least = Number.POSITIVE_INFINITY;
  for (let run = 0; run < RUNS; run += 1) {
    const begun = process.cpuUsage();
    analyzeText(text);
    const { user, system } = process.cpuUsage(begun);
    least = Math.min(least, (user + system) / 1_000);
  }
  return least;
}
