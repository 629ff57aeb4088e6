/**
 * The Python engine and this one find the same at the same places, in texts that nobody thought of: vectors cut, joined
 * and changed. More of them on request:
 *
 *     AGREEMENT_TEXTS=1000000 AGREEMENT_SEED=7 node --test tests/risk/agreement.test.ts
 */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { find, OVERLAP_CHARACTERS, WINDOW_CHARACTERS } from '../../src/risk/tags.ts';
import { CASES } from './vectors.ts';

const TEXTS = Number(process.env['AGREEMENT_TEXTS'] ?? 4_000);
const SEED = Number(process.env['AGREEMENT_SEED'] ?? 1);
const BATCH = 20_000;

const REPOSITORY = new URL('../../../../', import.meta.url);
const PYTHON = fileURLToPath(new URL('.venv/bin/python', REPOSITORY));
const PROGRAM = `
import json, sys
from agentwatch.finding.tags import find
for line in sys.stdin:
    print(json.dumps([[tag, start, end] for tag, start, end in find(json.loads(line))]))
`;

const reason = existsSync(PYTHON) ? false : 'there is no .venv/bin/python in this checkout';

test(`both engines find the same in ${TEXTS} texts`, { skip: reason }, () => {
  const random = numbers(SEED);
  let found = 0;
  for (let left = TEXTS; left > 0; left -= BATCH) {
    const texts = Array.from({ length: Math.min(BATCH, left) }, () => aText(random));
    const theirs = inPython(texts);
    assert.equal(theirs.length, texts.length);
    texts.forEach((text, index) => {
      const ours = JSON.stringify(find(text).map(({ tag, start, end }) => [tag, start, end]));
      found += ours === '[]' ? 0 : 1;
      assert.equal(ours, theirs[index], `in ${JSON.stringify(text)}`);
    });
  }
  assert.ok(found > TEXTS / 5, `only ${found} texts had findings`);
});

test('both engines find the same in texts of several windows', { skip: reason }, () => {
  const random = numbers(SEED);
  const fillers = ['so it goes. ', '\u00e9 ', '\u{1f600} ', '\u200b ', '\ud800 '];
  const texts = fillers.flatMap((filler) => [0, 1].map(() => aLongText(filler, random)));

  const theirs = inPython(texts);

  texts.forEach((text, index) => {
    const ours = find(text).map(({ tag, start, end }) => [tag, start, end]);
    assert.ok(ours.length > 0);
    assert.equal(JSON.stringify(ours), theirs[index]);
  });
});

/** With pieces at random and around the borders of windows. */
function aLongText(filler: string, random: Random): string {
  const step = WINDOW_CHARACTERS - OVERLAP_CHARACTERS;
  let text = '';
  for (const border of [step / 2, step, WINDOW_CHARACTERS, 2 * step, 2 * step + OVERLAP_CHARACTERS]) {
    for (const place of [border - 600, border - 40, border + 40]) {
      const missing = Math.floor((place - Array.from(text).length) / Array.from(filler).length);
      text += filler.repeat(Math.max(0, missing)) + (PIECES[random(PIECES.length)] ?? '') + filler;
    }
  }
  return text;
}

function inPython(texts: readonly string[]): string[] {
  const { stdout, stderr, status } = spawnSync(PYTHON, ['-c', PROGRAM], {
    input: texts.map((text) => JSON.stringify(text)).join('\n'),
    env: { PYTHONPATH: fileURLToPath(new URL('sdk/python/src', REPOSITORY)) },
    encoding: 'utf8',
    maxBuffer: 1 << 30,
  });
  assert.equal(status, 0, stderr);
  return stdout.trimEnd().split('\n').map((line) => line.replaceAll(', ', ','));
}

// Texts ---------------------------------------------------------------------------------------------------------------

type Random = (below: number) => number;

function numbers(seed: number): Random {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

const PIECES = CASES.map(({ text }) => text).filter((text) => text.length < 2_000);
const STRANGE = [
  '\u200b', '\u00ad', '\ufeff', '\u00a0', '\u2011', '\u3000', '\uff11', '\uff20', '\uff0e', '\u0661', '\u0130',
  '\u212a', '\u00e9', '\u{1f600}', '\ud800', '\udc00', '\x01', '\x00', '\x1c', '\x7f', '\x85', '\u2028', '\n', '\r', '\t', ' ',
];
const PLAIN = Array.from('0123456789abcAZ_.-+/=@:()[]{}<>"\'\\,;%~#| ');

function aText(random: Random): string {
  const parts = Array.from({ length: 1 + random(3) }, () => PIECES[random(PIECES.length)] ?? '');
  let text = parts.join(['', ' ', '\n', ',', '-'][random(5)]);
  for (let changes = random(6); changes > 0; changes -= 1) {
    text = changed(text, random);
  }
  return text;
}

function changed(text: string, random: Random): string {
  const place = random(text.length + 1);
  const [head, tail] = [text.slice(0, place), text.slice(place)];
  switch (random(8)) {
    case 0:
      return head + (STRANGE[random(STRANGE.length)] ?? '') + tail;
    case 1:
      return head + (PLAIN[random(PLAIN.length)] ?? '') + tail;
    case 2:
      return head + (PLAIN[random(PLAIN.length)] ?? '') + tail.slice(1);
    case 3:
      return head + tail.slice(1 + random(4));
    case 4:
      return head + tail.slice(0, 1).repeat(1 + random(3)) + tail;
    case 5:
      return head + otherCase(tail.slice(0, 4)) + tail.slice(4);
    case 6:
      return head + wide(tail.slice(0, 6)) + tail.slice(6);
    default:
      return random(2) === 0 ? tail + head : text.replace(/[0-9]/g, (digit) => (random(4) ? digit : `${random(10)}`));
  }
}

function otherCase(text: string): string {
  const capitals = text.toUpperCase();
  return text === capitals ? text.toLowerCase() : capitals;
}

/** ASCII in its full-width forms. */
function wide(text: string): string {
  return text.replace(/[!-~]/g, (character) => String.fromCharCode(character.charCodeAt(0) + 0xfee0));
}
