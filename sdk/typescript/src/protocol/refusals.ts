/**
 * Which refusal says that a budget does not cover a call, in any dialect's shape: as a 402's body, or as an event in a
 * stream that was cut.
 *
 * AgentWatch's `code` decides, never a status or a type alone: providers have a 402 of their own, and their quota is
 * not the session's budget.
 */

import { AgentBudgetExceeded } from '../errors.ts';
import { mappingOf, numberOf, type Mapping } from './numbers.ts';

const BUDGET_CODES: ReadonlySet<unknown> = new Set(['budget_exhausted', 'scope_paused']);

/** Its `cause` is one of these codes where a budget ended the answer, and another's where the budgets were out of reach. */
const CUT_CODE = 'answer_cut';

/** What a tenant has decided of such a call. Nobody was away, so failing open is no answer to it. */
const DECIDED_CODES: ReadonlySet<unknown> = new Set(['rule_blocked', 'rule_throttled', 'unmetered_path', 'unpriced_model']);

/** What AgentWatch refused, as its user meets it; null where the document says anything else. */
export function budgetErrorOf(document: unknown, sessionId: string): AgentBudgetExceeded | null {
  for (const error of errorsIn(document)) {
    const details = typeof error['code'] === 'string' ? error : googleReason(error);
    const code = details?.['code'] === CUT_CODE ? details['cause'] : details?.['code'];
    if (details === null || !BUDGET_CODES.has(code)) continue;
    return new AgentBudgetExceeded(sessionId, numberOf(details['spent_usd']) ?? 0, numberOf(details['limit_usd']) ?? 0);
  }
  return null;
}

/** Why the tenant's own rules or policy stop a call, in AgentWatch's words; null where they do not. */
export function decisionOf(document: unknown): string | null {
  const error = errorsIn(document).find((each) => DECIDED_CODES.has(each['code']));
  return error === undefined ? null : `${String(error['code'])}: ${String(error['message'])}`.slice(0, 500);
}

/** Where the dialects have their errors: `error`, `response.error` (Responses), or the event itself. */
function errorsIn(document: unknown): Mapping[] {
  const outer = mappingOf(document);
  if (outer === null) return [];
  const holders = [outer, mappingOf(outer['response'])];
  const errors = holders.map((holder) => mappingOf(holder?.['error'])).filter((error) => error !== null);
  // The details may stand beside the error.
  const { spent_usd, limit_usd, cause } = outer;
  return [...errors.map((error) => ({ spent_usd, limit_usd, cause, ...error })), outer];
}

function googleReason(error: Mapping): Mapping | null {
  const details = Array.isArray(error['details']) ? (error['details'] as unknown[]) : [];
  for (const info of details.map(mappingOf)) {
    if (typeof info?.['reason'] === 'string') return { ...mappingOf(info['metadata']), code: info['reason'] };
  }
  return null;
}
