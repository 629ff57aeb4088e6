/**
 * What a watched client needs of the guard, and what an SDK of a provider is to it.
 *
 * Types only. The clients know no more of the guard than this, so a test may bring one of its own; and no more of an
 * SDK than this, so that neither is imported here: ESM and CJS copies of it differ, and both are optional.
 */

import type { CallEnd, CallFacts } from '../calls.ts';
import type { AgentBudgetExceeded } from '../errors.ts';
import type { AgentWatchOptions, Settings } from '../settings.ts';

/** One call that was let through. */
export interface OpenCall {
  readonly facts: CallFacts;
  readonly eventId: string;
  readonly session: { readonly id: string };
  /** To which the request's ceiling must be lowered; null leaves the request as it is. */
  readonly outputTokensMax: number | null;
  /** False where AgentWatch itself records the call, which ends when the call goes to the provider directly. */
  reports: boolean;
  /** The first end counts; it only enqueues, and never throws. */
  end(end: CallEnd): void;
}

/** One per watched client, shared by its copies. */
export interface ClientGuard {
  readonly settings: Settings;
  begin(facts: CallFacts): Promise<OpenCall>;
  unmetered(path: string): void;
  proxyHeaders(call: OpenCall): Record<string, string>;
}

/** Whether AgentWatch can be reached, for clients whose calls go through it. */
export interface ProxyReach {
  /** Asks at most once per outage, within the settings' time-out. */
  isReachable(): Promise<boolean>;
  /** A call could not connect. */
  failed(): void;
}

/** What is built elsewhere: given once by the package's entry, or by a test. */
export interface Collaborators {
  guardFor(options: AgentWatchOptions): ClientGuard;
  reachOf(guard: ClientGuard): ProxyReach;
  riskTagsOf(value: unknown): readonly string[];
  budgetErrorOf(document: unknown, sessionId: string): AgentBudgetExceeded | null;
  warnOnce(key: string, message: string): void;
}

/** The options of one request as both SDKs have them when `request()` is called. */
export interface RequestOptions {
  readonly method?: string;
  readonly path?: string;
  readonly body?: unknown;
  readonly headers?: unknown;
  readonly stream?: boolean;
  readonly [name: string]: unknown;
}

export type Fetch = (url: string | URL | Request, init?: RequestInit) => Promise<Response>;

/** What both SDKs' clients have in public. */
export interface Client {
  baseURL: string;
  request(options: unknown, remainingRetries?: number | null): unknown;
}

/** Any class of clients: `any`, because a class that is derived from must take any arguments. */
export type ClientClass = new (...given: any[]) => object;

/** The class with our options beside its own; its other members stay as they are. */
export type Watched<Base extends ClientClass> = Omit<Base, 'prototype'> & {
  new (options?: ConstructorOptions<Base> & AgentWatchOptions): WatchedInstance<Base>;
  readonly prototype: WatchedInstance<Base>;
};

export type WatchedInstance<Base extends ClientClass> = InstanceType<Base> & Copied<ConstructorOptions<Base>>;

/** A copy may have other settings of ours. */
export interface Copied<Options> {
  withOptions(options: Partial<Options> & AgentWatchOptions): this;
}

type ConstructorOptions<Base extends ClientClass> = NonNullable<ConstructorParameters<Base>[0]>;
