/**
 * A budget check: how a session's is asked for, and whether the answer stops it.
 *
 * `exceeded` decides where it is said; a server that leaves it out is read by its numbers. An answer that tells neither
 * is no answer: it must not pass for "go on" where nothing may go on unasked.
 */

import { mappingOf, numberOf, type Mapping } from './numbers.ts';
import type { Question } from './question.ts';

export interface BudgetState {
  readonly exceeded: boolean;
  readonly spentUsd: number;
  /** 0 where a session is stopped that has no limit: it is paused. */
  readonly limitUsd: number;
}

export function checkQuestion(sessionId: string, limitUsd: string | null): Question {
  const query = new URLSearchParams({ session_id: sessionId });
  if (limitUsd !== null) query.set('limit_usd', limitUsd);
  return { method: 'GET', path: `/v1/budget-check?${query}` };
}

/** What a budget check was answered; null where that is no answer of one. */
export function budgetStateOf(document: unknown): BudgetState | null {
  const answer = mappingOf(document);
  if (answer === null) return null;
  const exceeded = isExceeded(answer);
  if (exceeded === null) return null;
  return { exceeded, spentUsd: numberOf(answer['spent_usd']) ?? 0, limitUsd: numberOf(answer['limit_usd']) ?? 0 };
}

function isExceeded(answer: Mapping): boolean | null {
  if (typeof answer['exceeded'] === 'boolean') return answer['exceeded'];
  if (answer['paused'] === true) return true;
  const spent = numberOf(answer['spent_usd']);
  if (spent === null || !('limit_usd' in answer)) return null;
  const limit = numberOf(answer['limit_usd']);
  return limit !== null && spent >= limit;
}
