/**
 * What a watched client and its copies share, and the course of one call: read, ask, send, read along.
 *
 * The rule easy to break: `request()` is synchronous and hands back the SDK's own promise, so all that takes time
 * stands in the promise of the options.
 */

import type { CallFacts, Dialect } from '../calls.ts';
import type { AgentWatchOptions } from '../settings.ts';
import type { Client, ClientGuard, Collaborators, OpenCall, RequestOptions } from './interfaces.ts';
import { BackgroundAnswers } from './background.ts';
import { backgroundIdOf, barePath, dialectOf, kindOf } from './paths.ts';
import { fetchOf, responsePropsOf, sendBy, withUnwrap } from './privateNames.ts';
import { providerOf, proxiedURL, takesIncludeUsage } from './providers.ts';
import { CALL_HEADER, directFetch, proxyFetch, type ProxiedCalls } from './proxy.ts';
import { bodyOf, factsOf, withCeiling, withIncludedUsage } from './request.ts';
import { Watch, type WatchContext } from './watch.ts';

interface Plan {
  readonly facts: CallFacts;
  readonly isBackground: boolean;
}

export class ClientWatch {
  readonly guard: ClientGuard;
  private readonly options: AgentWatchOptions;
  private readonly collaborators: Collaborators;
  private readonly context: WatchContext;
  private readonly proxied: ProxiedCalls | null;
  /** A call is known by the promise of its options, and then by the options: each is made here, for one call. */
  private readonly calls = new WeakMap<object, Watch>();

  constructor(options: AgentWatchOptions, collaborators: Collaborators) {
    this.options = options;
    this.collaborators = collaborators;
    this.guard = collaborators.guardFor(options);
    this.context = { guard: this.guard, collaborators, background: new BackgroundAnswers() };
    this.proxied = this.guard.settings.isProxied ? proxiedCalls(this.guard, collaborators) : null;
  }

  /** It stands in a client's options, which people print; and it knows a token. */
  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return 'AgentWatch';
  }

  /** The same client under other settings; the session stays where they name none. */
  with(options: AgentWatchOptions): ClientWatch {
    if (Object.keys(options).length === 0) return this;
    const session = { agentwatchSessionId: this.guard.settings.sessionId };
    return new ClientWatch({ ...session, ...this.options, ...options }, this.collaborators);
  }

  /** Throws where the client's calls cannot go through AgentWatch. */
  check(client: Client): void {
    if (this.proxied === null || proxiedURL(client.baseURL, '') !== null) return;
    throw new TypeError(`agentwatchPrimaryProvider: AgentWatch knows no provider at ${client.baseURL}`);
  }

  attached(client: Client): void {
    this.check(client);
    const given = fetchOf(client);
    if (given === null) {
      if (this.proxied !== null) throw new TypeError('agentwatchPrimaryProvider: this version of the SDK has no fetch');
    } else if (this.proxied !== null) sendBy(client, proxyFetch(given, this.proxied));
    else if (directFetch(given) !== given) sendBy(client, directFetch(given));
  }

  request(client: Client, options: unknown, send: (prepared: unknown) => unknown): unknown {
    if (typeof options === 'object' && options !== null && this.calls.has(options)) return send(options);
    const watch = new Watch(this.context);
    const prepared = this.prepare(client, options, watch);
    this.calls.set(prepared, watch);
    const promise = send(prepared);
    const observed = withUnwrap(promise, (data, props) => this.parsed(watch, data, props));
    if (observed === null) watch.isUnwatchable = true;
    return observed ?? promise;
  }

  /** One attempt of a call; the first of them stands around all others. */
  attempt(options: unknown, send: () => Promise<unknown>): Promise<unknown> {
    const watch = typeof options === 'object' && options !== null ? this.calls.get(options) : undefined;
    if (watch === undefined) return send();
    if (watch.isRequesting) {
      watch.attempts += 1;
      return send();
    }
    return this.underway(watch, send);
  }

  /** Just before each attempt is sent. */
  sending(request: RequestInit, options: RequestOptions | undefined): void {
    const watch = options === undefined ? undefined : this.calls.get(options);
    if (watch?.call == null) return;
    watch.isSent = true;
    if (this.proxied === null) return;
    const headers = request.headers instanceof Headers ? request.headers : new Headers(request.headers);
    headers.set(CALL_HEADER, watch.call.eventId);
    this.proxied.underway.set(watch.call.eventId, watch);
    request.headers = headers;
  }

  private async underway(watch: Watch, send: () => Promise<unknown>): Promise<unknown> {
    try {
      return await watch.requested(send);
    } finally {
      if (watch.call !== null) this.proxied?.underway.delete(watch.call.eventId);
    }
  }

  /** What the SDK will send, once the call may be made. */
  private async prepare(client: Client, given: unknown, watch: Watch): Promise<RequestOptions> {
    const options = { ...((await given) as RequestOptions) };
    this.calls.set(options, watch);
    const bare = barePath(String(options.path ?? ''));
    const plan = this.planOf(client, options, bare);
    if (plan === 'free') return options;
    if (plan === 'unmetered') {
      // Through AgentWatch, its own rule for such paths counts.
      if (this.proxied === null) this.guard.unmetered(bare);
      return options;
    }
    const call = await this.opened(plan.facts, options['signal']);
    if (call === null) return options;
    watch.isBackground = plan.isBackground;
    watch.begun(call);
    return this.changed(client, options, call, watch);
  }

  private async opened(facts: CallFacts, signal: unknown): Promise<OpenCall | null> {
    if (!(signal instanceof AbortSignal)) return this.guard.begin(facts);
    return signal.aborted ? null : unlessAborted(this.guard.begin(facts), signal);
  }

  /** Where the request cannot be read, it counts as one that nothing here can meter. */
  private planOf(client: Client, options: RequestOptions, bare: string): Plan | 'free' | 'unmetered' {
    try {
      const kind = kindOf(options.method ?? 'get', bare);
      if (kind === 'free' || this.isAtAgentWatch(client)) return 'free';
      const dialect = dialectOf(bare);
      return dialect === null ? 'unmetered' : this.meteredPlan(client, options, bare, dialect);
    } catch {
      return 'unmetered';
    }
  }

  private meteredPlan(client: Client, options: RequestOptions, path: string, dialect: Dialect): Plan {
    const body = bodyOf(options.body);
    const facts = factsOf(body, {
      provider: providerOf(client.baseURL),
      dialect,
      path,
      isStreaming: options.stream === true || body?.['stream'] === true,
      risks: this.risksOf(body),
    });
    return { facts, isBackground: body?.['background'] === true };
  }

  private risksOf(body: unknown): readonly string[] {
    try {
      return this.guard.settings.riskTags ? this.collaborators.riskTagsOf(body) : [];
    } catch {
      return [];
    }
  }

  /** Its user has sent the client there: what goes through AgentWatch is recorded there, and must not be twice. */
  private isAtAgentWatch(client: Client): boolean {
    return this.proxied === null && client.baseURL.startsWith(`${this.guard.settings.baseURL}/v1`);
  }

  private changed(client: Client, options: RequestOptions, call: OpenCall, watch: Watch): RequestOptions {
    const { dialect, isStreaming, provider } = call.facts;
    let { body } = options;
    if (call.outputTokensMax !== null) body = withCeiling(body, dialect, call.outputTokensMax, provider);
    const hasIncludedUsage = dialect === 'openai_chat' || dialect === 'openai_completions';
    const asked = isStreaming && hasIncludedUsage && takesIncludeUsage(client.baseURL) ? withIncludedUsage(body) : null;
    watch.mayAddUsage = asked !== null;
    if (asked !== null && this.proxied === null) {
      body = asked;
      watch.hasAddedUsage = true;
    }
    const changed = body === options.body ? options : { ...options, body };
    this.calls.set(changed, watch);
    return changed;
  }

  /** An answer that was written in the background belongs to the call that ordered it. */
  private parsed(watch: Watch, data: unknown, props: unknown): unknown {
    const options = responsePropsOf(props)?.options ?? null;
    const id = watch.call === null && options !== null ? backgroundIdOf(barePath(String(options.path ?? ''))) : null;
    const ordering = id === null ? null : this.context.background.of(id);
    if (id !== null && ordering !== null) return this.context.background.asked(id, ordering, data, options);
    return watch.parsed(data, options);
  }
}

function proxiedCalls(guard: ClientGuard, collaborators: Collaborators): ProxiedCalls {
  return { guard, reach: collaborators.reachOf(guard), underway: new Map(), warnOnce: collaborators.warnOnce };
}

/** null where the user has given up meanwhile; what was held for the call is then released when it comes. */
async function unlessAborted(opening: Promise<OpenCall>, signal: AbortSignal): Promise<OpenCall | null> {
  let abort = (): void => undefined;
  const aborted = new Promise<null>((resolve) => {
    abort = () => resolve(null);
    signal.addEventListener('abort', abort, { once: true });
  });
  try {
    const call = await Promise.race([opening, aborted]);
    if (call === null) opening.then(released, () => undefined);
    return call;
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

function released(call: OpenCall): void {
  call.end({
    outcome: 'client_disconnected',
    usage: null,
    isEstimated: false,
    model: null,
    status: null,
    errorCode: null,
    ttfbMs: null,
    attempts: 0,
    risks: [],
  });
}
