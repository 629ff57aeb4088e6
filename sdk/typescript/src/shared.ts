/**
 * What a process has once, however many copies of this package are loaded: ESM and CJS are two, and a bundle a third.
 *
 * Plain data, and objects that belong to no request. It is made when first asked for, never at import, and its name
 * says which shape it has, since copies of two versions may meet.
 */

import type { Connection } from './edge/registry.ts';
import type { Context } from './session.ts';

const STATE = Symbol.for('agentwatch.process.1');

export interface ProcessState {
  /** By base URL and token; the latest used come last. */
  readonly connections: Map<string, Connection>;
  readonly warned: Set<string>;
  /** undefined: not looked for yet. null: the runtime has none. */
  context: Context | null | undefined;
  flushesAtExit: boolean;
}

export function processState(): ProcessState {
  const holder = globalThis as { [STATE]?: ProcessState };
  const kept = holder[STATE];
  if (kept !== undefined) return kept;
  const made: ProcessState = { connections: new Map(), warned: new Set(), context: undefined, flushesAtExit: false };
  // Not enumerable: the tokens in it are in no print of `globalThis`.
  Object.defineProperty(globalThis, STATE, { value: made, configurable: true });
  return made;
}

/** One warning for a subject, not one for a call. */
export function warnOnce(subject: string, message: string): void {
  const { warned } = processState();
  if (warned.has(subject)) return;
  warned.add(subject);
  console.warn(`agentwatch: ${message}`);
}

/** It was well again since: the next time is news. */
export function warnAgain(subject: string): void {
  processState().warned.delete(subject);
}
