/**
 * One connection to AgentWatch for a process, base URL and token, whichever clients and copies of this package use it,
 * and what is sent when the process has nothing else to do.
 *
 * A client for each request would otherwise be a queue and a timer for each. The rule easy to break: what is shared is
 * plain data or belongs to no request, since a Worker's requests share it too.
 */

import { processEnvironment, type Settings } from '../settings.ts';
import { processState, warnAgain, warnOnce } from '../shared.ts';
import { Breaker } from './breaker.ts';
import { Edge } from './http.ts';
import { now, Sender } from './sender.ts';
import { isWorker } from './workers.ts';

export const CONNECTIONS_MAX = 64;
export const REMEMBERED_MAX = 1_000;
export const EXIT_SECONDS_MAX = 2;
const FLUSH_SECONDS = 5;

/** That a question was answered with no, and until when that need not be asked again. */
export interface Exceeded {
  readonly until: number;
  readonly spentUsd: number;
  readonly limitUsd: number;
}

/** Shared by the guards of one place. Its token is in `edge` alone. */
export class Connection {
  readonly edge: Edge;
  readonly breaker = new Breaker();
  readonly sender: Sender;
  private readonly baseURL: string;
  private readonly remembered = new Map<string, Exceeded>();

  constructor(settings: Settings) {
    this.baseURL = settings.baseURL;
    this.edge = new Edge(settings.baseURL, settings.apiKey);
    // A function that is frozen when it returns has no later.
    const isInLambda = Boolean(processEnvironment()['AWS_LAMBDA_FUNCTION_NAME']);
    this.sender = new Sender(this.edge, isInLambda ? { lingerSeconds: 0 } : {});
  }

  warnOnce(subject: string, message: string): void {
    warnOnce(`${this.baseURL} ${subject}`, message);
  }

  warnAgain(subject: string): void {
    warnAgain(`${this.baseURL} ${subject}`);
  }

  exceeded(key: string): Exceeded | null {
    const found = this.remembered.get(key);
    if (found === undefined || now() < found.until) return found ?? null;
    this.remembered.delete(key);
    return null;
  }

  remember(key: string, exceeded: Exceeded): void {
    if (this.remembered.size >= REMEMBERED_MAX) this.remembered.clear();
    this.remembered.set(key, exceeded);
  }
}

export function connectionFor(settings: Settings): Connection {
  const { connections } = processState();
  const key = `${settings.baseURL} ${settings.apiKey}`;
  const connection = connections.get(key) ?? new Connection(settings);
  connections.delete(key);
  connections.set(key, connection);
  for (const [each, { sender }] of connections) {
    if (connections.size <= CONNECTIONS_MAX) break;
    if (each !== key && sender.queue.length === 0) connections.delete(each);
  }
  return connection;
}

/** Send the reports of every client's calls that have ended. True once AgentWatch has them. */
export async function flush(timeoutSeconds: number = FLUSH_SECONDS): Promise<boolean> {
  const connections = [...processState().connections.values()];
  const flushed = await Promise.all(connections.map(({ sender }) => sender.flush(timeoutSeconds)));
  return flushed.every(Boolean);
}

/** Before a call: what it leaves is sent when the process has nothing else to do. `process.exit()` is not that. */
export function flushAtExit(): void {
  const state = processState();
  if (state.flushesAtExit || isWorker()) return;
  state.flushesAtExit = true;
  globalThis.process?.on?.('beforeExit', () => {
    for (const { sender } of state.connections.values()) sender.flushAtExit(EXIT_SECONDS_MAX);
  });
}
