/**
 * What the SDK throws into its user's code, and nothing else does.
 *
 * ESM and CJS are two packages in one process, so an error is known by `name` and `code`, not by `instanceof` alone.
 * Neither is worth a retry, and `retryable` says so to whoever asks before repeating.
 */

/** Base of what AgentWatch throws by itself. */
export class AgentWatchError extends Error {
  override readonly name: string = 'AgentWatchError';
  readonly code: string = 'agentwatch_error';
  readonly retryable = false;
}

/** Two places, and as many more as a small amount needs. */
function dollars(amount: number): string {
  const [whole = '0', places = ''] = amount.toFixed(8).replace(/0+$/, '').split('.');
  return `${whole}.${places.padEnd(2, '0')}`;
}

/** The budget does not cover the call. Nothing was sent to the provider, or its stream was cut. Dollars. */
export class AgentBudgetExceeded extends AgentWatchError {
  override readonly name = 'AgentBudgetExceeded';
  override readonly code = 'agent_budget_exceeded';
  readonly sessionId: string;
  readonly spent: number;
  readonly limit: number;

  constructor(sessionId: string, spent: number, limit: number, options?: ErrorOptions) {
    super(`session ${sessionId} has spent $${dollars(spent)} of its $${dollars(limit)}`, options);
    this.sessionId = sessionId;
    this.spent = spent;
    this.limit = limit;
  }
}

/** AgentWatch could not be asked, and `agentwatchEnforcementFailOpen: false` lets no call go unasked. */
export class AgentBudgetCheckUnavailable extends AgentWatchError {
  override readonly name = 'AgentBudgetCheckUnavailable';
  override readonly code = 'agent_budget_check_unavailable';
  readonly sessionId: string;
  readonly reason: string;

  constructor(sessionId: string, reason: string, options?: ErrorOptions) {
    super(`the budget of session ${sessionId} could not be checked: ${reason}`, options);
    this.sessionId = sessionId;
    this.reason = reason;
  }
}
