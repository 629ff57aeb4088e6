/**
 * Calls through AgentWatch: the same request to another address, and directly where AgentWatch cannot be reached.
 *
 * This stands in the place of a client's `fetch`, below the SDK's retries, and what the SDK has built is the direct
 * request as it is: its address, key and headers need no rebuilding. The rules easy to break: AgentWatch's token is put
 * on here alone, so none can reach a provider; and a call goes directly only while nothing of it has been sent.
 */

import type { Collaborators, ClientGuard, Fetch, ProxyReach } from './interfaces.ts';
import { isUnsent } from './failures.ts';
import { proxiedURL } from './providers.ts';
import { withIncludedUsage } from './request.ts';
import type { Watch } from './watch.ts';

/** Names a call to `fetch`; never sent. */
export const CALL_HEADER = 'x-agentwatch-call';

const TOKEN_PLACES = ['authorization', 'x-api-key', 'api-key', 'x-goog-api-key'];

/** What was there before: a copy of a client is given the one of its model, and must not go through two. */
const inners = new WeakMap<Fetch, Fetch>();

export interface ProxiedCalls {
  readonly guard: ClientGuard;
  readonly reach: ProxyReach;
  /** Calls on their way, by event id. */
  readonly underway: Map<string, Watch>;
  readonly warnOnce: Collaborators['warnOnce'];
}

export function proxyFetch(given: Fetch, calls: ProxiedCalls): Fetch {
  const inner = directFetch(given);
  const proxied: Fetch = (input, init) =>
    input instanceof Request ? sentRequest(inner, calls, input, init) : sent(inner, calls, String(input), init);
  inners.set(proxied, inner);
  return proxied;
}

/** What a client that no longer goes through AgentWatch had before. */
export function directFetch(given: Fetch): Fetch {
  return inners.get(given) ?? given;
}

/** A middleware may hand over a whole request; both ways it may go are made of its parts. */
async function sentRequest(inner: Fetch, calls: ProxiedCalls, given: Request, init?: RequestInit): Promise<Response> {
  const request = new Request(given, init);
  const { url, method, headers, signal } = request;
  const body = request.body === null ? null : await request.arrayBuffer();
  return sent(inner, calls, url, { ...init, method, headers, signal, body });
}

async function sent(inner: Fetch, calls: ProxiedCalls, address: string, init?: RequestInit): Promise<Response> {
  const { settings } = calls.guard;
  const headers = new Headers(init?.headers);
  const watch = calls.underway.get(headers.get(CALL_HEADER) ?? '') ?? null;
  headers.delete(CALL_HEADER);
  const url = proxiedURL(address, settings.baseURL);
  const direct = (): Promise<Response> => {
    if (url !== null) calls.warnOnce('direct', 'AgentWatch cannot be reached: calls go to the provider directly');
    return inner(address, directInit(init, headers, watch, settings.apiKey));
  };
  if (url === null) return direct();
  const mayGoDirectly = settings.fallsBackDirect && !holdsToken(ownHeaders(headers, settings.apiKey), settings.apiKey);
  if (mayGoDirectly && !(await calls.reach.isReachable())) return direct();
  try {
    return await inner(url, { ...init, headers: throughHeaders(headers, calls, watch) });
  } catch (error) {
    if (!isUnsent(error) || init?.signal?.aborted === true) throw error;
    calls.reach.failed();
    if (!mayGoDirectly || !isReplayable(init?.body)) throw error;
    return direct();
  }
}

function throughHeaders(headers: Headers, calls: ProxiedCalls, watch: Watch | null): Headers {
  const through = new Headers(headers);
  through.set('x-agentwatch-key', calls.guard.settings.apiKey);
  if (watch?.call == null) return through;
  for (const [name, value] of Object.entries(calls.guard.proxyHeaders(watch.call))) through.set(name, value);
  return through;
}

/** From here on the SDK reports the call, and asks for the usage that AgentWatch would have asked for. */
function directInit(init: RequestInit | undefined, headers: Headers, watch: Watch | null, token: string): RequestInit {
  const request: RequestInit = { ...init, headers: ownHeaders(headers, token) };
  if (watch?.call == null) return request;
  watch.call.reports = true;
  if (watch.mayAddUsage && typeof request.body === 'string') {
    const body = withIncludedUsage(request.body);
    if (typeof body === 'string') {
      watch.hasAddedUsage = true;
      return { ...request, body };
    }
  }
  return request;
}

/** AgentWatch takes a caller's own key behind its token too, in one place; the provider is given the key alone. */
function ownHeaders(headers: Headers, token: string): Headers {
  const own = new Headers(headers);
  for (const name of TOKEN_PLACES) {
    const value = own.get(name);
    if (value?.includes(`${token}:`) === true) own.set(name, value.replace(`${token}:`, ''));
  }
  return own;
}

/** A client that has no other key than AgentWatch's own cannot go to a provider with it. */
function holdsToken(headers: Headers, token: string): boolean {
  return TOKEN_PLACES.some((name) => (headers.get(name) ?? '').includes(token));
}

function isReplayable(body: unknown): boolean {
  return body == null || typeof body === 'string' || ArrayBuffer.isView(body) || body instanceof ArrayBuffer;
}
