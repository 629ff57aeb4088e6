/**
 * What an error of an SDK says: whether a budget ended the call, whether anything can have been billed, and its code.
 *
 * By shape, never by class: ESM and CJS have one each of every class, and so have the majors.
 */

import { isObject } from './request.ts';

/** Codes of failures to connect, after which nothing of the request has been sent. */
const UNSENT_CODES = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EHOSTDOWN',
  'UND_ERR_CONNECT_TIMEOUT',
  'ConnectionRefused',
  'FailedToOpenSocket',
  'DNSException',
  'CERT_HAS_EXPIRED',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'ERR_TLS_CERT_ALTNAME_INVALID',
]);
/** Deno says it in words. */
const UNSENT_WORDS = /\(Connect\)|connection refused|dns error|failed to lookup address/i;
const CAUSES_MAX = 5;

export interface FailureFacts {
  readonly status: number | null;
  readonly code: string | null;
  /** The user's own signal, or the SDK's time-out: the provider may have answered, and may have billed. */
  readonly isInterrupted: boolean;
  readonly isUsers: boolean;
}

export function failureOf(error: unknown): FailureFacts {
  const name = nameOf(error);
  const isUsers = name === 'APIUserAbortError' || name === 'AbortError';
  const status = isObject(error) && typeof error['status'] === 'number' ? error['status'] : null;
  const isTimeout = name === 'APIConnectionTimeoutError' || name === 'TimeoutError';
  return { status, code: codeOf(error), isInterrupted: isUsers || isTimeout, isUsers };
}

/** The error's document as it came over the wire, whichever part of it the SDK kept. */
export function documentOf(error: unknown): unknown {
  const kept = isObject(error) ? error['error'] : undefined;
  if (!isObject(kept)) return null;
  return 'error' in kept ? kept : { error: kept };
}

/** Could the request not be sent at all? A reset connection is not known to be so. */
export function isUnsent(error: unknown): boolean {
  let each: unknown = error;
  for (let depth = 0; depth < CAUSES_MAX && isObject(each); depth += 1) {
    if (typeof each['code'] === 'string' && UNSENT_CODES.has(each['code'])) return true;
    if (UNSENT_WORDS.test(String(each['message'] ?? ''))) return true;
    const several = each['errors']; // of a host with several addresses
    if (Array.isArray(several) && several.length > 0 && several.every(isUnsent)) return true;
    each = each['cause'];
  }
  return false;
}

export function withCause<E extends Error>(error: E, cause: unknown): E {
  Object.defineProperty(error, 'cause', { value: cause, configurable: true, writable: true, enumerable: false });
  return error;
}

function codeOf(error: unknown): string | null {
  if (!isObject(error)) return null;
  const inner = isObject(error['error'])
    ? isObject(error['error']['error'])
      ? error['error']['error']
      : error['error']
    : {};
  const told = [error['code'], inner['code'], inner['type'], error['type']].find(
    (each) => typeof each === 'string' && each !== '',
  );
  if (typeof told === 'string') return told.slice(0, 128);
  const name = nameOf(error);
  return name === '' || name === 'Error' ? null : name;
}

/** The SDKs' errors are all named `Error`; their classes are not. */
function nameOf(error: unknown): string {
  if (!(error instanceof Error) && !isObject(error)) return '';
  const name = String((error as { name?: unknown }).name ?? '');
  const ofClass = (error as object).constructor?.name ?? '';
  return name === '' || name === 'Error' ? ofClass : name;
}
