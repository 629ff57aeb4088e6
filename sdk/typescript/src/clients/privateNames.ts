/**
 * The names of the SDKs that they do not promise, all of them, each with what happens where one is gone.
 *
 * Nothing else here may touch a private name. A missing one costs exactness (a call is settled at the estimate, and
 * said so once), never the user's call.
 */

import type { Fetch, RequestOptions } from './interfaces.ts';

type Transform = (data: unknown, props: unknown) => unknown;
type Iterate = () => AsyncIterator<unknown>;

/** The SDK's promise of an answer, which hands what its user reads to `transform`; null where it cannot. */
export function withUnwrap(promise: unknown, transform: Transform): unknown {
  const unwrap = member(promise, '_thenUnwrap');
  return typeof unwrap === 'function' ? unwrap.call(promise, transform) : null;
}

/** Puts `around` around what a stream of the SDK is read by; false where it is read some other way. */
export function aroundIterator(
  stream: unknown,
  around: (inner: AsyncIterator<unknown>) => AsyncIterator<unknown>,
): boolean {
  const iterate = member(stream, 'iterator');
  if (typeof iterate !== 'function') return false;
  (stream as { iterator: Iterate }).iterator = () => around(iterate.call(stream) as AsyncIterator<unknown>);
  return true;
}

/** A call's response and options, as the SDKs hand them from request to parsing. */
export interface ResponseProps {
  readonly response: Response;
  readonly options: RequestOptions;
}

export function responsePropsOf(value: unknown): ResponseProps | null {
  const response = member(value, 'response');
  const options = member(value, 'options');
  return typeof response === 'object' && response !== null && typeof options === 'object' && options !== null
    ? (value as ResponseProps)
    : null;
}

/** Where a client keeps the options it was made with, which it hands to its copies. */
export function constructorOptionsOf(client: object): Record<symbol, unknown> | null {
  const options = member(client, '_options');
  return typeof options === 'object' && options !== null ? (options as Record<symbol, unknown>) : null;
}

/** What a client sends its requests by, read anew for each; null where it is something else. */
export function fetchOf(client: object): Fetch | null {
  const fetch = member(client, 'fetch');
  return typeof fetch === 'function' ? (fetch as Fetch) : null;
}

export function sendBy(client: object, fetch: Fetch): void {
  (client as { fetch: Fetch }).fetch = fetch;
}

/** Does the class send by the one method that every attempt of a call is made in? */
export function sendsByMakeRequest(prototype: object): boolean {
  return typeof member(prototype, 'makeRequest') === 'function';
}

function member(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined;
}
