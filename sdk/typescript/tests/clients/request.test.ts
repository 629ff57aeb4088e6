/** What a request says of a call, and what may be changed in it. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CallFacts, Dialect } from '../../src/calls.ts';
import { providerOf, proxiedURL, takesIncludeUsage } from '../../src/clients/providers.ts';
import { bodyOf, factsOf, utf8BytesOf, withCeiling, withIncludedUsage, type Body } from '../../src/clients/request.ts';

const PICTURE = `data:image/png;base64,${'A'.repeat(50_000)}`;

function read(body: Body | null, dialect: Dialect = 'openai_chat'): CallFacts {
  return factsOf(body, { provider: null, dialect, path: '', isStreaming: false, risks: [] });
}

test('bytes are those of the request in UTF-8, without pictures, which are counted', () => {
  const text = { model: 'm', messages: [{ role: 'user', content: 'Grüße 😀 漢' }] };
  const openai = { type: 'image_url', image_url: { url: PICTURE } };
  const responses = { type: 'input_image', image_url: PICTURE };
  const anthropic = { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'A'.repeat(50_000) } };

  assert.equal(read(text).inputBytes, new TextEncoder().encode(JSON.stringify(text)).length);
  for (const part of [openai, responses, anthropic]) {
    const facts = read({ model: 'm', messages: [{ role: 'user', content: [part, part] }] });
    assert.equal(facts.images, 2);
    assert.equal(facts.hasUnsizedInput, false);
    assert.ok(facts.inputBytes < 500, part.type);
  }
});

test('text that begins like a data URL is text, and is sized', () => {
  const content = `data: ${'1,2,3;'.repeat(10_000)}`;
  const document = { type: 'document', source: { type: 'text', media_type: 'text/plain', data: PICTURE } };
  const bodies: Body[] = [
    { messages: [{ role: 'user', content }] },
    { messages: [{ role: 'user', content: PICTURE }] },
    { messages: [{ role: 'user', content: [{ type: 'text', text: content }] }] },
    { messages: [{ role: 'user', content: [document] }] },
  ];

  for (const body of bodies) assert.ok(read(body).inputBytes > 50_000);
});

test('what cannot be sized is said to be so', () => {
  const cases: readonly (readonly [Body | null, Dialect, boolean])[] = [
    [
      { messages: [{ content: [{ type: 'input_audio', input_audio: { data: 'A', format: 'wav' } }] }] },
      'openai_chat',
      true,
    ],
    [{ input: [{ type: 'item_reference', id: 'x' }] }, 'openai_responses', true],
    [{ previous_response_id: 'r', input: 'x' }, 'openai_responses', true],
    [{ prompt: { id: 'p' } }, 'openai_responses', true],
    [{ prompt: 'text' }, 'openai_completions', false],
    [
      { messages: [{ content: [{ type: 'document', source: { type: 'base64', data: 'A' } }] }] },
      'anthropic_messages',
      true,
    ],
    [
      { messages: [{ content: [{ type: 'document', source: { type: 'text', data: 'abc' } }] }] },
      'anthropic_messages',
      false,
    ],
    [null, 'openai_chat', true],
    [{ bad: 1n }, 'openai_chat', true],
  ];
  for (const [body, dialect, isUnsized] of cases) assert.equal(read(body, dialect).hasUnsizedInput, isUnsized);
});

test('choices are answers that are paid for', () => {
  assert.equal(read({ n: 3 }).choices, 3);
  assert.equal(read({ n: 3 }, 'anthropic_messages').choices, 1);
  assert.equal(read({ n: 2, best_of: 5, prompt: ['a', 'b'] }, 'openai_completions').choices, 10);
  assert.equal(read({ prompt: [1, 2, 3] }, 'openai_completions').choices, 1);
});

test('tools are named where the provider would run them', () => {
  const openai = {
    tools: [{ type: 'function' }, { type: 'web_search' }, { type: 'mcp' }, { type: 'local_shell' }],
    web_search_options: {},
  };
  const anthropic = {
    tools: [{ name: 'mine' }, { type: 'custom' }, { type: 'bash_20250124' }, { type: 'web_fetch_20250910' }],
    mcp_servers: [{}],
  };

  assert.deepEqual(read(openai).providerTools, ['web_search', 'mcp']);
  assert.deepEqual(read(anthropic, 'anthropic_messages').providerTools, ['web_fetch_20250910', 'mcp']);
});

test('the bound of a request on searching is read, and none where a tool has none', () => {
  const search = { type: 'web_search_20250305' };

  assert.equal(read({ max_tool_calls: 3, tools: [{ type: 'web_search' }] }, 'openai_responses').webSearchCallsMax, 3);
  assert.equal(read({ max_tool_calls: 3 }, 'openai_chat').webSearchCallsMax, null);
  const bounded = { tools: [{ ...search, max_uses: 2 }, { ...search, max_uses: 4 }, { name: 'mine', max_uses: 9 }] };
  assert.equal(read(bounded, 'anthropic_messages').webSearchCallsMax, 6);
  const half = { tools: [{ ...search, max_uses: 2 }, search] };
  assert.equal(read(half, 'anthropic_messages').webSearchCallsMax, null);
  for (const odd of [0, -1, 1.5, '3', true, null])
    assert.equal(read({ max_tool_calls: odd }, 'openai_responses').webSearchCallsMax, null);
});

test('a ceiling is lowered where the caller set it, never raised, and the caller’s object stays', () => {
  const given = { max_tokens: 100 };

  assert.deepEqual(withCeiling(given, 'openai_chat', 10, 'openai'), { max_tokens: 10 });
  assert.equal(withCeiling(given, 'openai_chat', 200, 'openai'), given);
  assert.deepEqual(withCeiling({}, 'openai_chat', 10, 'openai'), { max_completion_tokens: 10 });
  assert.deepEqual(withCeiling({}, 'openai_chat', 10, 'groq'), { max_tokens: 10 });
  assert.deepEqual(withCeiling({}, 'openai_responses', 10, 'openai'), { max_output_tokens: 10 });
  assert.equal(withCeiling('{"max_tokens":100}', 'anthropic_messages', 10, 'anthropic'), '{"max_tokens":10}');
  assert.deepEqual(given, { max_tokens: 100 });
});

test('usage is asked for only where the user has said nothing of the stream', () => {
  assert.deepEqual(withIncludedUsage({ a: 1 }), { a: 1, stream_options: { include_usage: true } });
  assert.equal(withIncludedUsage({ stream_options: { include_obfuscation: false } }), null);
  assert.equal(withIncludedUsage(new Uint8Array(3)), null);
});

test('a body is a plain object, or the text of one', () => {
  assert.deepEqual(bodyOf('{"a":1}'), { a: 1 });
  for (const other of ['[1]', 'not json', null, undefined, 3, new Uint8Array(2), new FormData(), new Blob([])]) {
    assert.equal(bodyOf(other), null);
  }
});

test('reading a request twice as long takes twice as much, not four times', () => {
  let reads = 0;
  const request = (count: number): Body => ({
    messages: Array.from({ length: count }, () => ({
      get content() {
        reads += 1;
        return 'x';
      },
    })),
  });
  const costOf = (count: number): number => ((reads = 0), read(request(count)), reads);

  assert.equal(costOf(2_000), 2 * costOf(1_000));
  assert.equal(utf8BytesOf('é'.repeat(1_000)), 2_000);
});

test('a provider is told by its address, and none by an unknown one', () => {
  const cases: readonly (readonly [string, string | null, boolean])[] = [
    ['https://api.openai.com/v1', 'openai', true],
    ['https://eu.api.openai.com/v1', 'openai', true],
    ['https://mine.openai.azure.com/openai', 'openai', false],
    ['https://mine.services.ai.azure.com/anthropic', 'anthropic', false],
    ['https://api.anthropic.com', 'anthropic', false],
    ['https://generativelanguage.googleapis.com/v1beta/openai/', 'gemini', false],
    ['https://api.groq.com/openai/v1', 'groq', true],
    ['https://api.x.ai/v1', 'xai', true],
    ['https://api.openai.com.evil.test/v1', null, false],
    ['http://localhost:11434/v1', null, false],
    ['not an address', null, false],
  ];
  for (const [address, provider, takesUsage] of cases) {
    assert.equal(providerOf(address), provider, address);
    assert.equal(takesIncludeUsage(address), takesUsage, address);
  }
});

test('an address goes through AgentWatch with its path and query, where AgentWatch would reach it too', () => {
  const edge = 'https://edge.test';

  assert.equal(
    proxiedURL('https://api.openai.com/v1/models?a=b%26c', edge),
    `${edge}/v1/proxy/openai/v1/models?a=b%26c`,
  );
  assert.equal(
    proxiedURL('https://api.groq.com/openai/v1/chat/completions', edge),
    `${edge}/v1/proxy/groq/openai/v1/chat/completions`,
  );
  for (const other of ['https://eu.api.openai.com/v1', 'http://api.openai.com/v1', 'https://api.openai.com:444/v1']) {
    assert.equal(proxiedURL(other, edge), null);
  }
});
