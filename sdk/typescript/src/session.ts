/**
 * Sessions: whose budget a call counts against, told by context and not by argument.
 *
 * A session is read when a call is made and carried along in it, so a stream may be read outside. Context over awaits
 * is the runtime's `AsyncLocalStorage`, asked for without an import: edge bundles have no `node:` modules. Where there
 * is none, `session()` runs its function outside, says so once, and the session is passed by hand: a client that was
 * made with `agentwatchSessionId: session.id`.
 */

import { checkedBudgetUsd, checkedLabel, checkedSessionId, randomId } from './settings.ts';
import { processState, warnOnce } from './shared.ts';

/** One agent run. `budgetUsd` is decimal dollars. */
export class Session {
  readonly id: string;
  readonly budgetUsd: string | null;
  readonly project: string | null;
  readonly team: string | null;
  readonly agent: string | null;
  #iterations = 0;

  constructor(given: SessionParts) {
    this.id = given.id;
    this.budgetUsd = given.budgetUsd;
    this.project = given.project;
    this.team = given.team;
    this.agent = given.agent;
  }

  /** Which call of the session this is. */
  nextIteration(): number {
    this.#iterations += 1;
    return this.#iterations;
  }
}

export interface SessionParts {
  readonly id: string;
  readonly budgetUsd: string | null;
  readonly project: string | null;
  readonly team: string | null;
  readonly agent: string | null;
}

export interface SessionOptions {
  /** A random UUID where none is given. */
  readonly sessionId?: string;
  /** Dollars. */
  readonly budgetUsd?: number | string;
  readonly project?: string;
  readonly team?: string;
  readonly agent?: string;
}

/** What is used of `AsyncLocalStorage`. */
export interface Context {
  run<Result>(session: Session | null, within: () => Result): Result;
  getStore(): Session | null | undefined;
}

/** Calls within count against this session, whichever watched client makes them. The innermost one counts. */
export function session<Result>(options: SessionOptions, within: (session: Session) => Result): Result {
  const made = new Session({
    id: checkedSessionId(options.sessionId, 'sessionId') ?? randomId(),
    budgetUsd: checkedBudgetUsd(options.budgetUsd, 'budgetUsd'),
    project: checkedLabel(options.project, 'project'),
    team: checkedLabel(options.team, 'team'),
    agent: checkedLabel(options.agent, 'agent'),
  });
  return run(made, () => within(made));
}

export function currentSession(): Session | null {
  return context()?.getStore() ?? null;
}

/** The function as it runs in the present session, or the given one: for queues and emitters that keep no context. */
export function inSession<Given extends unknown[], Result>(
  within: (...given: Given) => Result,
  kept: Session | null = currentSession(),
): (...given: Given) => Result {
  return (...given) => run(kept, () => within(...given));
}

function run<Result>(made: Session | null, within: () => Result): Result {
  const kept = context();
  if (kept !== null) return kept.run(made, within);
  warnOnce('context', 'this runtime keeps no context over awaits: calls in session() count against their client');
  return within();
}

/** One for a process, whichever copy of this package asks; made at the first question. */
function context(): Context | null {
  const state = processState();
  if (state.context === undefined) state.context = madeContext();
  return state.context;
}

function madeContext(): Context | null {
  try {
    const hooks = globalThis.process?.getBuiltinModule?.('node:async_hooks');
    return hooks === undefined ? null : new hooks.AsyncLocalStorage<Session | null>();
  } catch {
    return null;
  }
}
