/**
 * What Cloudflare's runtime has of its own: whether this is it, and `waitUntil` of the request that is being answered.
 *
 * Its module is named by a variable, so that no bundler looks for it elsewhere. Only the function is kept, which knows
 * the present request by itself; never a promise, which would belong to one.
 */

export type WaitUntil = (promise: Promise<unknown>) => void;

const MODULE = 'cloudflare:workers';
let found: WaitUntil | null = null;

export function isWorker(): boolean {
  return (globalThis.navigator as { userAgent?: string } | undefined)?.userAgent === 'Cloudflare-Workers';
}

/** The runtime's own, once it was looked up. */
export function runtimeWaitUntil(): WaitUntil | null {
  return found;
}

/** null where this runtime has none. */
export async function lookUpWaitUntil(): Promise<WaitUntil | null> {
  try {
    const module = (await import(MODULE)) as { waitUntil?: WaitUntil };
    found = module.waitUntil ?? null;
  } catch {
    found = null;
  }
  return found;
}
