/** Which strings are searched in what the clients take and give, and that an agent's history is searched once. */

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { riskTagsOf, SeenMessages, textsOf } from '../src/requestText.ts';
import { tagsOf } from '../src/risk/tags.ts';
import { CANARY, PLACES } from './risk/vectors.ts';

const BOUNDS = { depthMax: 100, valuesMax: 1_000_000, charactersMax: 8_000_000 };

function aRequest(...contents: readonly unknown[]): Record<string, unknown> {
  return { model: 'm', messages: contents.map((content) => ({ role: 'user', content })) };
}

function texts(value: unknown): string[] {
  return [...textsOf(value)];
}

/** What is known so far, and how many characters were searched for it. */
function counted(messagesMax: number = 8_192): { seen: SeenMessages; characters: () => number } {
  let characters = 0;
  const search: typeof tagsOf = (text, effort) => {
    characters += text.length;
    return tagsOf(text, effort);
  };
  return { seen: new SeenMessages(messagesMax, 30_000, search), characters: () => characters };
}

// Places --------------------------------------------------------------------------------------------------------------

for (const { dialect, id, body, is_read: isRead } of PLACES) {
  test(`what a model reads is a text and nothing else: ${dialect}: ${id}`, () => {
    const before = structuredClone(body);

    assert.equal(texts(body).some((text) => text.includes(CANARY)), isRead);
    assert.deepEqual(riskTagsOf(body), isRead ? ['PII_EMAIL'] : []);
    assert.deepEqual(body, before);
  });
}

test('texts come in their order', () => {
  const messages = [{ content: [{ text: 'b' }, { text: 'c' }] }, { content: 'd' }];

  assert.deepEqual(texts({ instructions: 'a', messages, x: 'e' }), ['a', 'b', 'c', 'd', 'e']);
});

test('a part of a request may be given alone', () => {
  for (const value of [CANARY, [CANARY], { content: CANARY }, [[CANARY]]]) {
    assert.deepEqual([texts(value), riskTagsOf(value)], [[CANARY], ['PII_EMAIL']]);
  }
});

test('what holds no text has none', () => {
  for (const value of [null, undefined, 5, true, 5n, Symbol('x'), () => CANARY, {}, [], '', new Uint8Array(9)]) {
    assert.deepEqual([texts(value), riskTagsOf(value)], [[], []]);
  }
});

test('neighbours do not fuse', () => {
  const parts = [{ type: 'text', text: '42424242' }, { type: 'text', text: '42424242' }];

  assert.deepEqual(riskTagsOf(aRequest(parts)), []);
  assert.deepEqual(riskTagsOf(['4242 4242 ', '4242 4242']), []);
});

test('a key in a list of lines is found', () => {
  const body = 'abcdefgh01234567'.repeat(4);
  const lines = [`-----BEGIN ${'PRIVATE KEY'}-----`, body, body, body, `-----END ${'PRIVATE KEY'}-----`];

  assert.deepEqual(riskTagsOf(aRequest([{ type: 'tool_use', input: { lines } }])), ['SECRET_SSH_KEY']);
  assert.deepEqual(riskTagsOf(lines), ['SECRET_SSH_KEY']);
});

test('a name tells what its value is and is no finding itself', () => {
  const tagsOfInput = (input: object): string[] => riskTagsOf(aRequest([{ type: 'tool_use', input }]));

  assert.deepEqual(tagsOfInput({ ssn: '536221234' }), ['PII_SSN']);
  assert.deepEqual(tagsOfInput({ row: '536221234' }), []);
  assert.deepEqual(tagsOfInput({ [`ssn 536-22-1234 of ${CANARY}`]: 1 }), []);
});

test('tags of several messages come in their published order', () => {
  const body = aRequest('4242 4242 4242 4242', '536-22-1234', CANARY);

  assert.deepEqual(riskTagsOf(body), ['PII_EMAIL', 'PII_SSN', 'FINANCIAL_CREDIT_CARD']);
});

// Objects -------------------------------------------------------------------------------------------------------------

test('objects of a class are read by their own members', () => {
  class Message {
    readonly id = CANARY;
    readonly content: unknown;
    constructor(content: unknown) {
      this.content = content;
    }
  }

  assert.deepEqual(texts({ messages: [new Message('a'), new Message([new Message('b')])] }), ['a', 'b']);
});

test('what is consumed by reading, or says itself how it becomes JSON, is passed over', () => {
  const left = [CANARY].values();
  const map = new Map([['content', CANARY]]);
  const values = [left, map, new Date(0), new URL('https://corp-mail.com'), Buffer.from(CANARY)];

  assert.deepEqual(texts({ messages: values }), []);
  assert.equal(left.next().value, CANARY);
});

test('an object that throws disturbs no call', () => {
  const broken = {
    get content(): string {
      throw new Error('of the user');
    },
  };

  assert.deepEqual(riskTagsOf({ messages: [broken] }), []);
});

test('lists and objects may be within themselves', () => {
  const knot: Record<string, unknown> = { content: CANARY };
  knot['again'] = [knot, knot];

  assert.deepEqual(riskTagsOf({ messages: [knot] }), ['PII_EMAIL']);
});

test('a request that is changed meanwhile is no error', () => {
  const body: Record<string, unknown> & { messages: unknown[] } = { messages: [{ content: CANARY }] };

  for (const text of textsOf(body)) {
    body.messages.push({ content: text });
    body['more'] = text;
  }

  assert.equal(body.messages.length, 2);
});

// Bounds --------------------------------------------------------------------------------------------------------------

const MEDIA = 'QUJDREVG'.repeat(625_000);

const PICTURES: ReadonlyArray<Record<string, unknown>> = [
  { type: 'image_url', image_url: { url: `data:image/png;base64,${MEDIA}` } },
  { type: 'image', source: { type: 'base64', media_type: 'image/png', data: MEDIA } },
  { type: 'input_audio', input_audio: { data: MEDIA, format: 'wav' } },
  { type: 'input_file', filename: 'x.pdf', file_data: MEDIA },
  { type: 'brand_new', blob: MEDIA },
  { type: 'tool_use', input: { picture: `data:image/png;base64,${MEDIA}` } },
];

for (const picture of PICTURES) {
  test(`a picture is neither searched nor read: ${String(picture['type'])}`, () => {
    const { seen, characters } = counted();

    assert.deepEqual(riskTagsOf(aRequest([picture, { type: 'text', text: CANARY }]), seen), ['PII_EMAIL']);
    assert.ok(characters() < 100);
  });
}

test('no more characters are read than a model reads', () => {
  const bounds = { ...BOUNDS, charactersMax: 1_000 };
  const body = aRequest(...Array.from({ length: 1_000 }, () => 'so it goes '));

  for (const value of [body, 'so it goes '.repeat(1_000)]) {
    assert.equal([...textsOf(value, bounds)].join('').length, 1_000);
  }
});

test('depth and number of values are bounded', () => {
  let deep: unknown = CANARY;
  for (let depth = 0; depth < 50_000; depth += 1) {
    deep = [deep];
  }

  assert.deepEqual(texts({ messages: deep }), []);
  assert.equal([...textsOf(Array(1_000).fill('x'), { ...BOUNDS, valuesMax: 100 })].length, 100);
});

test('numbers in lists do not count as values', () => {
  const input = [...Array(1_000).keys(), CANARY];

  assert.deepEqual([...textsOf({ input }, { ...BOUNDS, valuesMax: 100 })], [CANARY]);
});

test('a message that is nearly something all over has what was found so far', () => {
  const seen = new SeenMessages(100, 100);
  const body = aRequest(`${CANARY} ${'a@b.png '.repeat(200)}`, '536-22-1234');

  assert.deepEqual(riskTagsOf(body, seen), ['PII_EMAIL', 'PII_SSN']);
});

// What was searched before --------------------------------------------------------------------------------------------

/** Each turn sends all earlier ones again, as new objects. */
function anAgent(turns: number, seen: SeenMessages): void {
  const history: unknown[] = [];
  for (let turn = 0; turn < turns; turn += 1) {
    history.push(
      { role: 'user', content: `${turn}: so it goes. `.repeat(40) },
      { role: 'assistant', tool_calls: [{ id: `c${turn}`, function: { arguments: `{"n": ${turn}}` } }] },
      { role: 'tool', tool_call_id: `c${turn}`, content: `${turn}: and on it goes. `.repeat(40) },
    );
    riskTagsOf(structuredClone({ model: 'm', messages: history }), seen);
  }
}

test('an agent’s history is searched once', () => {
  const { seen, characters } = counted();

  anAgent(30, seen);
  const ofThirty = characters();
  anAgent(60, seen); // the first thirty are known by then

  assert.ok(characters() < 2.1 * ofThirty, `${characters()} after ${ofThirty}`);
});

test('a known message has its tags again', () => {
  const { seen, characters } = counted();

  for (let time = 0; time < 3; time += 1) {
    assert.deepEqual(riskTagsOf(aRequest(CANARY, 'x'), seen), ['PII_EMAIL']);
  }
  assert.equal(characters(), CANARY.length + 1);
});

test('a message that changed is searched again', () => {
  const message = { content: 'x' };

  assert.deepEqual(riskTagsOf({ messages: [message] }), []);
  message.content = CANARY;
  assert.deepEqual(riskTagsOf({ messages: [message] }), ['PII_EMAIL']);
});

test('no more messages are known than two generations', () => {
  const seen = new SeenMessages(10);

  for (let number = 0; number < 1_000; number += 1) {
    seen.tagsOf(`message ${number}`);
    assert.deepEqual(seen.tagsOf(CANARY), ['PII_EMAIL']);
  }

  assert.ok(seen.size <= 20);
});

test('messages that differ in one place are not taken for each other', () => {
  const { seen, characters } = counted(1_000_000);
  const message = 'so it goes '.repeat(20);
  let expected = 0;
  for (let place = 0; place < message.length; place += 1) {
    for (const character of '\0a~\u00e9\u4e00\ud800') {
      seen.tagsOf(`${message.slice(0, place)}${character}!${message.slice(place)}`);
      expected += 1;
    }
  }

  assert.equal(seen.size, expected);
  assert.equal(characters(), expected * (message.length + 2));
});
