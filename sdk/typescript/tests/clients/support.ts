/** A scripted provider with a journal of what it was sent, a guard that records, and the SDKs to try them with. */

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import OpenAI from 'openai';
import OpenAIPrevious from 'openai-previous';
import Anthropic from '@anthropic-ai/sdk';
import AnthropicPrevious from 'anthropic-previous';
import type { CallEnd, CallFacts } from '../../src/calls.ts';
import { AgentBudgetExceeded } from '../../src/errors.ts';
import type { AgentWatchOptions, Settings } from '../../src/settings.ts';
import type { ClientGuard, Collaborators, OpenCall, ProxyReach } from '../../src/clients/interfaces.ts';
import { isObject } from '../../src/clients/request.ts';
import { clientsWith } from '../../src/clients/subclass.ts';

export const OPENAIS = [
  ['openai 7', OpenAI],
  ['openai 6', OpenAIPrevious as unknown as typeof OpenAI],
] as const;
export const ANTHROPICS = [
  ['anthropic 1', Anthropic],
  ['anthropic 0', AnthropicPrevious as unknown as typeof Anthropic],
] as const;

export interface Sent {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

export type Answer = (response: ServerResponse, sent: Sent) => void | Promise<void>;

export interface Provider {
  readonly url: string;
  readonly journal: Sent[];
  /** What is answered next; the last one stays. */
  script(...answers: Answer[]): void;
  close(): Promise<void>;
}

export async function aProvider(...answers: Answer[]): Promise<Provider> {
  let queue = answers;
  const journal: Sent[] = [];
  const server = createServer(async (request, response) => {
    const sent = {
      method: request.method ?? '',
      path: request.url ?? '',
      headers: request.headers,
      body: await textOf(request),
    };
    journal.push(sent);
    const answer = queue.length > 1 ? queue.shift() : queue[0];
    await answer?.(response, sent);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, journal, script: (...next) => (queue = next), close: () => closed(server) };
}

async function textOf(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const part of request) text += String(part);
  return text;
}

async function closed(server: Server): Promise<void> {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
}

export function json(document: unknown, status = 200, headers: Record<string, string> = {}): Answer {
  return (response) => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers });
    response.end(JSON.stringify(document));
  };
}

/** Server-sent events, named where they have a type, as OpenAI's chat where they have none. */
export function events(documents: readonly unknown[], { done = true }: { readonly done?: boolean } = {}): Answer {
  return (response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write(documents.map(eventText).join(''));
    if (done) response.end(isNamed(documents[0]) ? '' : 'data: [DONE]\n\n');
  };
}

/** The first ones, and then nothing, for ever. */
export function hangingAfter(documents: readonly unknown[]): Answer {
  return events(documents, { done: false });
}

function eventText(document: unknown): string {
  const name = isObject(document) && typeof document['type'] === 'string' ? `event: ${document['type']}\n` : '';
  return `${name}data: ${JSON.stringify(document)}\n\n`;
}

function isNamed(document: unknown): boolean {
  return isObject(document) && typeof document['type'] === 'string';
}

export class RecordedCall implements OpenCall {
  readonly facts: CallFacts;
  readonly eventId: string;
  readonly session: { readonly id: string };
  outputTokensMax: number | null;
  reports: boolean;
  readonly ends: CallEnd[] = [];

  constructor(facts: CallFacts, eventId: string, sessionId: string, outputTokensMax: number | null, reports: boolean) {
    this.facts = facts;
    this.eventId = eventId;
    this.session = { id: sessionId };
    this.outputTokensMax = outputTokensMax;
    this.reports = reports;
  }

  end(end: CallEnd): void {
    this.ends.push(end);
  }
}

export class RecordingGuard implements ClientGuard {
  readonly settings: Settings;
  readonly calls: RecordedCall[] = [];
  readonly unmeteredPaths: string[] = [];
  outputTokensMax: number | null = null;
  refusal: Error | null = null;
  opening: Promise<void> | null = null;

  constructor(options: AgentWatchOptions) {
    this.settings = settingsOf(options);
  }

  async begin(facts: CallFacts): Promise<OpenCall> {
    await this.opening;
    if (this.refusal !== null) throw this.refusal;
    const id = `call-${this.calls.length + 1}`;
    const call = new RecordedCall(facts, id, this.settings.sessionId, this.outputTokensMax, !this.settings.isProxied);
    this.calls.push(call);
    return call;
  }

  unmetered(path: string): void {
    this.unmeteredPaths.push(path);
    if (this.refusal !== null) throw this.refusal;
  }

  proxyHeaders(call: OpenCall): Record<string, string> {
    return { 'x-agentwatch-key': this.settings.apiKey, 'x-agentwatch-session-id': call.session.id };
  }

  get call(): RecordedCall {
    const [call] = this.calls;
    if (call === undefined) throw new Error('no call was begun');
    return call;
  }

  /** The one end of the one call. */
  get end(): CallEnd {
    const [end, ...others] = this.call.ends;
    if (end === undefined || others.length > 0) throw new Error(`${this.call.ends.length} ends`);
    return end;
  }
}

function settingsOf(options: AgentWatchOptions): Settings {
  return {
    apiKey: options.agentwatchApiKey ?? 'aw_test_token',
    baseURL: options.agentwatchBaseURL ?? 'http://127.0.0.1:9',
    sessionId: options.agentwatchSessionId ?? 'session-1',
    project: null,
    team: null,
    agent: options.agentwatchAgent ?? null,
    sessionBudgetUsd: null,
    enforcementMode: options.agentwatchEnforcementMode ?? false,
    enforcementFailOpen: options.agentwatchEnforcementFailOpen ?? true,
    holds: options.agentwatchHolds ?? false,
    isProxied: options.agentwatchPrimaryProvider === 'agentwatch',
    fallsBackDirect: options.agentwatchFallbackProvider === 'direct',
    timeoutSeconds: options.agentwatchTimeoutSeconds ?? 2,
    riskTags: options.agentwatchRiskTags ?? true,
    waitUntil: null,
  };
}

export class RecordingReach implements ProxyReach {
  isUp = true;
  asked = 0;
  failures = 0;

  async isReachable(): Promise<boolean> {
    this.asked += 1;
    return this.isUp;
  }

  failed(): void {
    this.failures += 1;
    this.isUp = false;
  }
}

/** A watched world: each one's guards and clients are its own. */
export function aWorld() {
  const guards: RecordingGuard[] = [];
  const reach = new RecordingReach();
  const warnings: string[] = [];
  const collaborators: Collaborators = {
    guardFor(options) {
      const guard = new RecordingGuard(options);
      guards.push(guard);
      return guard;
    },
    reachOf: () => reach,
    riskTagsOf: (value) => (JSON.stringify(value ?? null).includes('@example') ? ['PII_EMAIL'] : []),
    budgetErrorOf(document, sessionId) {
      const holder = isObject(document) && isObject(document['response']) ? document['response'] : document;
      const error = isObject(holder) && isObject(holder['error']) ? holder['error'] : {};
      return BUDGET_CODES.includes(error['code']) ? new AgentBudgetExceeded(sessionId, 1, 1) : null;
    },
    warnOnce: (key) => warnings.push(key),
  };
  const { watched, wrap } = clientsWith(collaborators);
  const guard = (): RecordingGuard => {
    const last = guards.at(-1);
    if (last === undefined) throw new Error('no guard was made');
    return last;
  };
  return { watched, wrap, collaborators, guards, guard, reach, warnings };
}

export const ANSWER = {
  id: 'chatcmpl-1',
  object: 'chat.completion',
  created: 1,
  model: 'gpt-4o-mini-2024-07-18',
  choices: [{ index: 0, finish_reason: 'stop', message: { role: 'assistant', content: 'Hello there' } }],
  usage: { prompt_tokens: 12, completion_tokens: 5, total_tokens: 17, prompt_tokens_details: { cached_tokens: 4 } },
};

export function chunk(content: string, more: Record<string, unknown> = {}): Record<string, unknown> {
  const choices = [{ index: 0, delta: { role: 'assistant', content }, finish_reason: null }];
  return {
    id: 'chatcmpl-1',
    object: 'chat.completion.chunk',
    created: 1,
    model: 'gpt-4o-mini-2024-07-18',
    choices,
    ...more,
  };
}

export const LAST_CHUNK = chunk('', { choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] });
export const USAGE_CHUNK = chunk('', {
  choices: [],
  usage: { prompt_tokens: 12, completion_tokens: 5, total_tokens: 17 },
});

export const MESSAGE = {
  id: 'msg_1',
  type: 'message',
  role: 'assistant',
  model: 'claude-sonnet-4-5-20250929',
  content: [{ type: 'text', text: 'Hello there' }],
  stop_reason: 'end_turn',
  stop_sequence: null,
  usage: { input_tokens: 10, output_tokens: 5, cache_read_input_tokens: 100, cache_creation_input_tokens: 20 },
};

export const MESSAGE_EVENTS = [
  {
    type: 'message_start',
    message: { ...MESSAGE, content: [], stop_reason: null, usage: { ...MESSAGE.usage, output_tokens: 1 } },
  },
  { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
  { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'Hello ' } },
  { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'there' } },
  { type: 'content_block_stop', index: 0 },
  { type: 'message_delta', delta: { stop_reason: 'end_turn', stop_sequence: null }, usage: { output_tokens: 5 } },
  { type: 'message_stop' },
];

export const RESPONSE = {
  id: 'resp_1',
  object: 'response',
  created_at: 1,
  status: 'completed',
  model: 'gpt-4o-mini-2024-07-18',
  output: [
    {
      type: 'message',
      id: 'm',
      role: 'assistant',
      status: 'completed',
      content: [{ type: 'output_text', text: 'Hello', annotations: [] }],
    },
  ],
  usage: { input_tokens: 9, output_tokens: 3, total_tokens: 12, output_tokens_details: { reasoning_tokens: 1 } },
};

const BUDGET_CODES: readonly unknown[] = ['budget_exhausted', 'answer_cut'];

export const RESPONSE_EVENTS = [
  {
    type: 'response.created',
    sequence_number: 0,
    response: { ...RESPONSE, status: 'in_progress', output: [], usage: null },
  },
  {
    type: 'response.output_item.added',
    sequence_number: 1,
    output_index: 0,
    item: { type: 'message', id: 'm', role: 'assistant', status: 'in_progress', content: [] },
  },
  {
    type: 'response.content_part.added',
    sequence_number: 2,
    output_index: 0,
    content_index: 0,
    item_id: 'm',
    part: { type: 'output_text', text: '', annotations: [] },
  },
  {
    type: 'response.output_text.delta',
    sequence_number: 3,
    output_index: 0,
    content_index: 0,
    item_id: 'm',
    delta: 'Hello',
  },
  { type: 'response.completed', sequence_number: 4, response: RESPONSE },
];
