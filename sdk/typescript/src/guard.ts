/**
 * What stands between a watched client and its provider: may this call go on, and how did it end.
 *
 * Theory of operation. Before a call one question is made (a budget check, or a hold) and its answer judged. The call
 * then belongs to an `OpenCall` that ends once, from wherever its end is noticed.
 *
 * Rules easy to break. Only what `begin` promises to throw reaches the user; a mistake of ours is AgentWatch being
 * unavailable. And a hold that may have been granted ends, whatever is thrown: by the call's report, or one of nothing.
 */

import type { CallEnd, CallFacts } from './calls.ts';
import { connectionFor, flushAtExit, type Connection } from './edge/registry.ts';
import { now } from './edge/sender.ts';
import { AgentBudgetCheckUnavailable, AgentBudgetExceeded, AgentWatchError } from './errors.ts';
import { budgetStateOf, checkQuestion } from './protocol/checks.ts';
import { holdGrantedOf, holdQuestion } from './protocol/holds.ts';
import { documentOf, type Answer, type Heard, type Question } from './protocol/question.ts';
import { budgetErrorOf, decisionOf } from './protocol/refusals.ts';
import { reportOf } from './protocol/reports.ts';
import { reasonOf, retryAfterSeconds, standingBy } from './protocol/verdicts.ts';
import { currentSession, Session } from './session.ts';
import { randomId, type Settings } from './settings.ts';

/** A session that was found exhausted is so for a moment: what repeats a refused call is refused without asking. */
const REMEMBERED_SECONDS = 3;
const FLUSH_SECONDS = 5;
const PRINTABLE = /^[\x20-\x7e]+$/;

const NOT_MADE: CallEnd = {
  outcome: 'failed',
  usage: null,
  isEstimated: false,
  model: null,
  status: null,
  errorCode: 'not_sent',
  ttfbMs: null,
  attempts: 1,
  risks: [],
};

/** One for a watched client and its copies. */
export class Guard {
  readonly settings: Settings;
  readonly connection: Connection;
  /** How often each path was called that costs money and that nothing here meters. */
  readonly unmeteredPaths = new Map<string, number>();
  #session: Session | null = null;

  constructor(settings: Settings) {
    this.settings = settings;
    this.connection = connectionFor(settings);
  }

  /** Of calls that are made outside any `session()`. Made when first asked for: its id may be a random value. */
  get session(): Session {
    const { sessionId: id, sessionBudgetUsd: budgetUsd, project, team, agent } = this.settings;
    return (this.#session ??= new Session({ id, budgetUsd, project, team, agent }));
  }

  /** Throws `AgentBudgetExceeded` or `AgentBudgetCheckUnavailable`, and nothing else. */
  async begin(facts: CallFacts): Promise<OpenCall> {
    const call = new OpenCall(this, facts);
    try {
      this.#prepare();
      const question = this.#question(call);
      if (question !== null) this.#judge(call, await this.connection.edge.ask(question, this.settings.timeoutSeconds));
    } catch (error) {
      this.#notBegun(call, error);
    }
    return call;
  }

  /** A path that costs money and is not metered is about to be called. */
  unmetered(path: string): void {
    if (this.settings.enforcementMode && !this.settings.enforcementFailOpen) {
      throw new AgentBudgetCheckUnavailable((currentSession() ?? this.session).id, `${path} is not metered`);
    }
    this.unmeteredPaths.set(path, (this.unmeteredPaths.get(path) ?? 0) + 1);
    this.connection.warnOnce(`unmetered ${path}`, `calls of ${path} are not metered: no budget sees them`);
  }

  /** What a call through AgentWatch says of itself, beside the token. */
  proxyHeaders(call: OpenCall): Record<string, string> {
    const { session } = call;
    const headers = {
      'x-agentwatch-session-id': session.id,
      'x-agentwatch-budget-usd': call.budgetUsd,
      'x-agentwatch-project': session.project ?? this.settings.project,
      'x-agentwatch-agent': session.agent ?? this.settings.agent,
      'x-agentwatch-iteration': String(call.iteration),
    };
    const told = Object.entries(headers).filter(([, value]) => value !== null && PRINTABLE.test(value));
    return Object.fromEntries(told) as Record<string, string>;
  }

  /** Send the reports of calls that have ended. True once AgentWatch has them. */
  flush(timeoutSeconds: number = FLUSH_SECONDS): Promise<boolean> {
    return this.connection.sender.flush(timeoutSeconds);
  }

  /** The last reports are sent; the connection stays for other clients, and for this one's open streams. */
  async close(): Promise<void> {
    await this.connection.sender.flush(this.settings.timeoutSeconds, false);
  }

  #prepare(): void {
    if (this.settings.isProxied && !this.settings.fallsBackDirect) return;
    this.connection.sender.prepare(this.settings.waitUntil);
    flushAtExit();
  }

  #question(call: OpenCall): Question | null {
    if (this.settings.isProxied || !this.settings.enforcementMode) return null;
    const known = this.connection.exceeded(this.#key(call));
    if (known !== null) throw new AgentBudgetExceeded(call.session.id, known.spentUsd, known.limitUsd);
    if (!this.connection.breaker.mayAsk(now())) {
      this.#goUnasked(call, 'AgentWatch did not answer a moment ago', false);
      return null;
    }
    if (!this.settings.holds) return checkQuestion(call.session.id, call.budgetUsd);
    call.mayBeHeld = true;
    return holdQuestion(call.facts, {
      holdId: call.eventId,
      sessionId: call.session.id,
      sessionBudgetUsd: call.budgetUsd,
      project: call.session.project ?? this.settings.project,
      agent: call.session.agent ?? this.settings.agent,
      iteration: call.iteration,
    });
  }

  /** Of a question that has the same answer. A hold's depends on how much the call may cost. */
  #key(call: OpenCall): string {
    const { model, inputBytes, images, outputTokensMax, choices } = call.facts;
    const cost = this.settings.holds ? [model, inputBytes, images, outputTokensMax, choices] : [];
    return JSON.stringify([call.session.id, call.budgetUsd, ...cost]);
  }

  #judge(call: OpenCall, heard: Heard): void {
    this.#note(heard);
    if (heard.kind === 'unheard') {
      call.mayBeHeld &&= heard.isSent;
      return this.#goUnasked(call, reasonOf(heard), false);
    }
    call.mayBeHeld &&= heard.status < 400 || heard.status >= 500;
    const refused = heard.status === 402 ? budgetErrorOf(documentOf(heard), call.session.id) : null;
    if (refused !== null) this.#refuse(call, refused.spent, refused.limit);
    if (heard.status !== 200) {
      const decision = decisionOf(documentOf(heard));
      if (decision !== null) throw new AgentBudgetCheckUnavailable(call.session.id, decision);
      const standing = standingBy(heard);
      return this.#goUnasked(call, reasonOf(heard), standing === 'misused' || standing === 'sound');
    }
    if (this.settings.holds) this.#judgeHold(call, heard);
    else this.#judgeCheck(call, heard);
  }

  #judgeHold(call: OpenCall, heard: Answer): void {
    const granted = holdGrantedOf(documentOf(heard), call.eventId);
    if (granted === null) return this.#goUnasked(call, 'the answer to a hold is none', true);
    call.outputTokensMax = granted.outputTokensMax;
  }

  #judgeCheck(call: OpenCall, heard: Answer): void {
    const state = budgetStateOf(documentOf(heard));
    if (state === null) return this.#goUnasked(call, 'the answer to a budget check is none', true);
    if (state.exceeded) this.#refuse(call, state.spentUsd, state.limitUsd);
  }

  #note(heard: Heard): void {
    if (standingBy(heard) !== 'away') {
      this.connection.breaker.succeeded();
      return this.connection.warnAgain('away');
    }
    this.connection.breaker.failed(now(), heard.kind === 'answer' ? retryAfterSeconds(heard) : null);
    this.connection.warnOnce('away', `AgentWatch does not answer: ${reasonOf(heard)}`);
  }

  #refuse(call: OpenCall, spentUsd: number, limitUsd: number): never {
    this.connection.remember(this.#key(call), { until: now() + REMEMBERED_SECONDS, spentUsd, limitUsd });
    throw new AgentBudgetExceeded(call.session.id, spentUsd, limitUsd);
  }

  /** Throws where nothing goes on unasked. */
  #goUnasked(call: OpenCall, reason: string, isMisused: boolean): void {
    if (isMisused) this.connection.warnOnce(reason, `budgets are not checked: ${reason}`);
    if (!this.settings.enforcementFailOpen) throw new AgentBudgetCheckUnavailable(call.session.id, reason);
  }

  /** Throws what the user is to see; returns where a mistake of ours is none of the user's business. */
  #notBegun(call: OpenCall, error: unknown): void {
    let failure = error;
    if (!(error instanceof AgentWatchError)) {
      const name = error instanceof Error ? error.name : typeof error;
      try {
        return this.#goUnasked(call, `mistake in AgentWatch (${name})`, true);
      } catch (unavailable) {
        failure = unavailable;
      }
    }
    if (call.mayBeHeld) call.end(NOT_MADE);
    throw failure;
  }
}

/** One call between its beginning and its end. Its session is the one in which it was made. */
export class OpenCall {
  readonly facts: CallFacts;
  readonly eventId: string;
  readonly session: Session;
  readonly budgetUsd: string | null;
  readonly iteration: number;
  readonly startedAtMs: number;
  /** To which the request's ceiling must be lowered; null leaves the request as it is. */
  outputTokensMax: number | null = null;
  /** A hold was asked for, and nothing says that there is none. */
  mayBeHeld = false;
  /** False where AgentWatch itself records the call, which ends when the call goes to the provider directly. */
  reports: boolean;
  readonly #guard: Guard;
  readonly #beganAt: number;
  #isEnded = false;

  constructor(guard: Guard, facts: CallFacts) {
    this.#guard = guard;
    this.facts = facts;
    this.eventId = `evt_${randomId().replaceAll('-', '')}`;
    this.session = currentSession() ?? guard.session;
    this.budgetUsd = this.session.budgetUsd ?? guard.settings.sessionBudgetUsd;
    this.iteration = this.session.nextIteration();
    this.startedAtMs = Date.now();
    this.#beganAt = now();
    this.reports = !guard.settings.isProxied;
  }

  /** The first end counts. Only enqueues, and never throws: the call was made and paid for. */
  end(end: CallEnd): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    if (!this.reports) return;
    const { connection, settings } = this.#guard;
    try {
      connection.sender.add(JSON.stringify(this.#report(end)), settings.waitUntil);
    } catch (error) {
      const name = error instanceof Error ? error.name : typeof error;
      connection.warnOnce('report', `a call is not reported: ${name}`);
    }
  }

  #report(end: CallEnd): Record<string, unknown> {
    const { settings } = this.#guard;
    return reportOf(this.facts, end, {
      eventId: this.eventId,
      sessionId: this.session.id,
      project: this.session.project ?? settings.project,
      team: this.session.team ?? settings.team,
      agent: this.session.agent ?? settings.agent,
      iteration: this.iteration,
      startedAtMs: this.startedAtMs,
      latencyMs: (now() - this.#beganAt) * 1_000,
    });
  }
}
