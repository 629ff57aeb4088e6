/**
 * The package as its users get it: built, packed and installed into a folder of its own, and a server that is both
 * provider and AgentWatch for it.
 */

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { gunzipSync } from 'node:zlib';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const run = promisify(execFile);

export class Installed {
  readonly folder = mkdtempSync(join(tmpdir(), 'agentwatch-package-'));

  /** Peers are linked, not installed: nothing is asked of a registry. */
  static async make(): Promise<Installed> {
    const installed = new Installed();
    const { folder } = installed;
    await run('npm', ['pack', '--silent', '--pack-destination', folder], { cwd: ROOT });
    const tarball = readdirSync(folder).find((name) => name.endsWith('.tgz'));
    assert.ok(tarball);
    installed.write('package.json', '{"private":true}');
    const flags = ['--offline', '--legacy-peer-deps', '--no-audit', '--no-fund', '--silent'];
    await run('npm', ['install', `./${tarball}`, ...flags], { cwd: folder });
    mkdirSync(join(folder, 'node_modules/@anthropic-ai'), { recursive: true });
    mkdirSync(join(folder, 'node_modules/@types'), { recursive: true });
    for (const peer of ['openai', '@anthropic-ai/sdk', '@types/node']) {
      symlinkSync(join(ROOT, 'node_modules', peer), join(folder, 'node_modules', peer));
    }
    return installed;
  }

  write(name: string, content: string): string {
    const path = join(this.folder, name);
    writeFileSync(path, content);
    return path;
  }

  /** What a program prints, run by this Node as its user would. */
  async run(name: string, content: string, environment: Record<string, string> = {}): Promise<string> {
    const env = { PATH: process.env['PATH'] ?? '', ...environment };
    const { stdout } = await run(process.execPath, [this.write(name, content)], { cwd: this.folder, env });
    return stdout.trim();
  }

  /** Errors of the compiler, as its user would see them. */
  async compile(names: readonly string[]): Promise<string> {
    const options = ['--noEmit', '--strict', '--exactOptionalPropertyTypes', '--module', 'nodenext', '--target', 'es2022'];
    const compiler = join(ROOT, 'node_modules/typescript/bin/tsc');
    const result = await run(process.execPath, [compiler, ...options, ...names], { cwd: this.folder }).catch(
      (error: unknown) => error as { stdout: string },
    );
    return result.stdout;
  }

  remove(): void {
    rmSync(this.folder, { recursive: true });
  }
}

const ANSWER = {
  id: 'chatcmpl-1',
  object: 'chat.completion',
  created: 1,
  model: 'gpt-4o-mini-2024-07-18',
  choices: [{ index: 0, message: { role: 'assistant', content: 'hello' }, finish_reason: 'stop' }],
  usage: { prompt_tokens: 11, completion_tokens: 5, total_tokens: 16 },
};
const CHUNKS = [
  { ...ANSWER, object: 'chat.completion.chunk', usage: null, choices: [{ index: 0, delta: { content: 'hello' } }] },
  { ...ANSWER, object: 'chat.completion.chunk', choices: [] },
];
const MESSAGE = {
  id: 'msg_1',
  type: 'message',
  role: 'assistant',
  model: 'claude-haiku-4-5',
  content: [{ type: 'text', text: 'hello' }],
  stop_reason: 'end_turn',
  usage: { input_tokens: 11, output_tokens: 5 },
};

export class BothServers {
  readonly reports: Array<Record<string, unknown>> = [];
  readonly #server: Server = createServer((request, response) => void this.#answer(request, response));
  #waiting: Array<{ readonly count: number; readonly resolve: () => void }> = [];

  async start(): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return this;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Apart from AgentWatch's own paths: a client that is pointed at those is reported by AgentWatch itself. */
  get provider(): string {
    return `${this.url}/provider`;
  }

  /** Ends when so many reports have come. */
  async untilReports(count: number): Promise<void> {
    if (this.reports.length < count) {
      await new Promise<void>((resolve) => this.#waiting.push({ count, resolve }));
    }
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) {
      chunks.push(chunk as Buffer);
    }
    const sent = Buffer.concat(chunks);
    const text = (request.headers['content-encoding'] === 'gzip' ? gunzipSync(sent) : sent).toString();
    const document = text === '' ? {} : (JSON.parse(text) as Record<string, unknown>);
    if (request.url === '/v1/ingest') {
      this.#keep(document);
      response.end('{"accepted":1,"refused":[]}');
    } else if (document['stream'] === true) {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      const events = [...CHUNKS.map((chunk) => JSON.stringify(chunk)), '[DONE]'];
      response.end(events.map((data) => `data: ${data}\n\n`).join(''));
    } else {
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(JSON.stringify(request.url?.endsWith('/messages') ? MESSAGE : ANSWER));
    }
  }

  #keep(document: Record<string, unknown>): void {
    const several = document['reports'] as Array<Record<string, unknown>> | undefined;
    this.reports.push(...(several ?? [document]));
    this.#waiting.filter(({ count }) => count <= this.reports.length).forEach(({ resolve }) => resolve());
    this.#waiting = this.#waiting.filter(({ count }) => count > this.reports.length);
  }
}
