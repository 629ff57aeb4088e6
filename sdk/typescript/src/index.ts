/**
 * The package's entry: watched clients, sessions, what is thrown, and what is found in a text.
 *
 * No SDK of a provider is imported here: `watched` takes its class, `wrap` a client. `@agentwatch/sdk/openai` and
 * `@agentwatch/sdk/anthropic` have classes that are made already.
 */

import { clientsWith } from './clients/subclass.ts';
import { collaborators } from './clients/wiring.ts';

const clients = /* @__PURE__ */ clientsWith(collaborators);

/** The class with AgentWatch's options beside its own: `const WatchedOpenAI = watched(OpenAI)`. */
export const watched = /* @__PURE__ */ (() => clients.watched)();

/** The same client, watched from here on, with all its copies and resources. */
export const wrap = /* @__PURE__ */ (() => clients.wrap)();

export { flush } from './edge/registry.ts';
export { AgentBudgetCheckUnavailable, AgentBudgetExceeded, AgentWatchError } from './errors.ts';
export { analyzeText, type RiskTag } from './risk/index.ts';
export { currentSession, inSession, session, Session } from './session.ts';
export type { AgentWatchOptions } from './settings.ts';
export type { Watched, WatchedInstance } from './clients/interfaces.ts';
