/**
 * AgentWatch as a script: a real server on a real socket that answers as it is told and keeps what it was asked.
 */

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { gunzipSync } from 'node:zlib';

import type { CallEnd, CallFacts } from '../../src/calls.ts';
import type { AgentWatchOptions } from '../../src/settings.ts';

export interface Asked {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly document: Record<string, unknown> | null;
}

/** null: read, and never answered. */
export type Reply = { status?: number; headers?: Record<string, string>; body?: unknown } | null;

export class ScriptedEdge {
  readonly asked: Asked[] = [];
  sockets = 0;
  reply: (asked: Asked) => Reply = usual;
  readonly #server: Server;
  readonly #open = new Set<Socket>();

  constructor() {
    this.#server = createServer((request, response) => void this.#answer(request, response));
    this.#server.on('connection', (socket) => {
      this.sockets += 1;
      this.#open.add(socket);
      socket.on('close', () => this.#open.delete(socket));
    });
  }

  async start(): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return this;
  }

  /** Nobody listens there any more. */
  async stop(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    for (const socket of this.#open) socket.destroy();
    await closed;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Every report that came, whatever was answered. */
  get reports(): Record<string, unknown>[] {
    const documents = this.at('/v1/ingest').map(({ document }) => document ?? {});
    return documents.flatMap((each) => (each['reports'] as Record<string, unknown>[] | undefined) ?? [each]);
  }

  at(path: string): Asked[] {
    return this.asked.filter((each) => each.path.startsWith(path));
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const sent = Buffer.concat(chunks);
    const text = (request.headers['content-encoding'] === 'gzip' ? gunzipSync(sent) : sent).toString();
    const document = text === '' ? null : (JSON.parse(text) as Record<string, unknown>);
    const { method = '', url: path = '', headers } = request;
    const asked = { method, path, headers, document };
    this.asked.push(asked);
    const reply = this.reply(asked);
    if (reply === null) return;
    const { body } = reply;
    response.writeHead(reply.status ?? 200, { 'content-type': 'application/json', ...reply.headers });
    response.end(typeof body === 'string' ? body : JSON.stringify(body ?? {}));
  }
}

/** All is well, and nothing is spent. */
export function usual(asked: Asked): Reply {
  if (asked.path.startsWith('/v1/budget-check')) return { body: { exceeded: false, spent_usd: 0, limit_usd: 1 } };
  if (asked.path === '/v1/holds') {
    return { body: { hold_id: asked.document?.['hold_id'], held_usd: '0.01', output_tokens_max: null, budget: null } };
  }
  return { body: 'Success' };
}

export const TOKEN = 'aw_test_canary';

export function options(edge: { readonly url: string }, more: AgentWatchOptions = {}): AgentWatchOptions {
  return { agentwatchApiKey: TOKEN, agentwatchBaseURL: edge.url, agentwatchSessionId: 'run-1', ...more };
}

export function facts(more: Partial<CallFacts> = {}): CallFacts {
  return {
    provider: 'openai',
    dialect: 'openai_chat',
    path: 'chat/completions',
    model: 'gpt-5-mini',
    isStreaming: false,
    inputBytes: 400,
    images: 0,
    hasUnsizedInput: false,
    outputTokensMax: null,
    choices: 1,
    providerTools: [],
    webSearchCallsMax: null,
    risks: [],
    ...more,
  };
}

export function ended(more: Partial<CallEnd> = {}): CallEnd {
  return {
    outcome: 'complete',
    usage: { prompt_tokens: 100, completion_tokens: 20, cached_input_tokens: 40 },
    isEstimated: false,
    model: 'gpt-5-mini-2026',
    status: 200,
    errorCode: null,
    ttfbMs: null,
    attempts: 1,
    risks: [],
    ...more,
  };
}

/** What was said on the console while this ran. */
export async function saidDuring(run: () => Promise<void>): Promise<string[]> {
  const said: string[] = [];
  const kept = { ...console };
  const listen = (...words: unknown[]): void => void said.push(words.map(String).join(' '));
  Object.assign(console, { log: listen, info: listen, warn: listen, error: listen, debug: listen });
  try {
    await run();
  } finally {
    Object.assign(console, kept);
  }
  return said;
}
