/**
 * What a watched client was told: the options that begin with `agentwatch`, read and judged once.
 *
 * A wrong value is a `TypeError` or `RangeError` that names the option. What is not given comes from the environment
 * (`AGENTWATCH_API_KEY`, `AGENTWATCH_BASE_URL`) or has a default here. The rule easy to break: a client may be made at
 * the top of a Worker's module, where no random value may be asked for, so the session's id is made when first read.
 */

export type Environment = { readonly [name: string]: string | undefined };

export const LABEL_CHARACTERS_MAX = 128;
/** A call that waits longer for leave than for most answers is better off with another setting. */
export const TIMEOUT_SECONDS_MAX = 60;

const SESSION_ID = /^[A-Za-z0-9_.:-]{1,128}$/;
const PRINTABLE = /^[\x20-\x7e]+$/;
const WORD = /^[\x21-\x7e]+$/;
const ROUTE = /\/v1(\/(ingest|budget-check|holds|proxy(\/[a-z]+)?))?$/;
const DECIMAL = /^\+?(?=\.?\d)(\d*)(?:\.(\d*))?(?:e([+-]?\d{1,2}))?$/i;

export interface AgentWatchOptions {
  /** Your AgentWatch token. Without it, `AGENTWATCH_API_KEY` of the environment. */
  readonly agentwatchApiKey?: string;
  /** AgentWatch's own address. Without it, `AGENTWATCH_BASE_URL` of the environment. */
  readonly agentwatchBaseURL?: string;
  readonly agentwatchProject?: string;
  readonly agentwatchTeam?: string;
  readonly agentwatchAgent?: string;
  /** Of calls that are made outside any session; a random UUID where none is given. */
  readonly agentwatchSessionId?: string;
  /** Dollars. */
  readonly agentwatchSessionBudgetUsd?: number | string;
  /** Ask before each call whether its session may go on. */
  readonly agentwatchEnforcementMode?: boolean;
  /** Where nobody can be asked, the call goes on. */
  readonly agentwatchEnforcementFailOpen?: boolean;
  /** Hold the money before each call, so that calls at once cannot overspend. Implies enforcement. */
  readonly agentwatchHolds?: boolean;
  /** `"agentwatch"` sends calls through AgentWatch; without it they go to the provider and are reported. */
  readonly agentwatchPrimaryProvider?: 'agentwatch';
  /** `"direct"`: where AgentWatch cannot be reached, the provider is asked directly. */
  readonly agentwatchFallbackProvider?: 'direct';
  /** Bounds what is asked of AgentWatch before a call, and connecting to it; never the model's answer. 2 by default. */
  readonly agentwatchTimeoutSeconds?: number;
  /** Look for personal data and secrets in requests and answers, and report their kinds. */
  readonly agentwatchRiskTags?: boolean;
  /** Keeps a Worker alive until what is on its way has been sent: `ctx.waitUntil.bind(ctx)`. */
  readonly agentwatchWaitUntil?: (promise: Promise<unknown>) => void;
}

/** The same, judged. Whoever prints or spreads it gets no `apiKey`. */
export interface Settings {
  readonly apiKey: string;
  /** Without `/v1` and without a slash at the end. */
  readonly baseURL: string;
  readonly sessionId: string;
  readonly project: string | null;
  readonly team: string | null;
  readonly agent: string | null;
  /** Decimal dollars. */
  readonly sessionBudgetUsd: string | null;
  readonly enforcementMode: boolean;
  readonly enforcementFailOpen: boolean;
  readonly holds: boolean;
  readonly isProxied: boolean;
  readonly fallsBackDirect: boolean;
  readonly timeoutSeconds: number;
  readonly riskTags: boolean;
  readonly waitUntil: ((promise: Promise<unknown>) => void) | null;
}

/** Every option's name: the compiler says where one is missing here. */
const OPTIONS: Record<keyof AgentWatchOptions, true> = {
  agentwatchApiKey: true,
  agentwatchBaseURL: true,
  agentwatchProject: true,
  agentwatchTeam: true,
  agentwatchAgent: true,
  agentwatchSessionId: true,
  agentwatchSessionBudgetUsd: true,
  agentwatchEnforcementMode: true,
  agentwatchEnforcementFailOpen: true,
  agentwatchHolds: true,
  agentwatchPrimaryProvider: true,
  agentwatchFallbackProvider: true,
  agentwatchTimeoutSeconds: true,
  agentwatchRiskTags: true,
  agentwatchWaitUntil: true,
};

/** An unknown option that begins with `agentwatch` is a `TypeError` that names it; options of others are not read. */
export function readSettings(options: AgentWatchOptions, environment: Environment = processEnvironment()): Settings {
  for (const name of Object.keys(options)) {
    if (/^agentwatch/i.test(name) && !Object.hasOwn(OPTIONS, name)) throw new TypeError(`unknown option ${name}`);
  }
  const holds = flag(options, 'agentwatchHolds', false);
  const isProxied = oneOf(options, 'agentwatchPrimaryProvider', 'agentwatch');
  const fallsBackDirect = oneOf(options, 'agentwatchFallbackProvider', 'direct');
  if (fallsBackDirect && !isProxied) {
    throw new TypeError("agentwatchFallbackProvider needs agentwatchPrimaryProvider: 'agentwatch'");
  }
  let sessionId = checkedSessionId(options.agentwatchSessionId, 'agentwatchSessionId');
  const settings = {
    baseURL: baseURLOf(options, environment),
    get sessionId(): string {
      return (sessionId ??= randomId());
    },
    project: checkedLabel(options.agentwatchProject, 'agentwatchProject'),
    team: checkedLabel(options.agentwatchTeam, 'agentwatchTeam'),
    agent: checkedLabel(options.agentwatchAgent, 'agentwatchAgent'),
    sessionBudgetUsd: checkedBudgetUsd(options.agentwatchSessionBudgetUsd, 'agentwatchSessionBudgetUsd'),
    enforcementMode: flag(options, 'agentwatchEnforcementMode', false) || holds,
    enforcementFailOpen: flag(options, 'agentwatchEnforcementFailOpen', true),
    holds,
    isProxied,
    fallsBackDirect,
    timeoutSeconds: secondsOf(options.agentwatchTimeoutSeconds ?? 2),
    riskTags: flag(options, 'agentwatchRiskTags', true),
    waitUntil: waitUntilOf(options),
  };
  return Object.defineProperty(settings, 'apiKey', { value: apiKeyOf(options, environment) }) as unknown as Settings;
}

/** What the runtime has of one; reading it may be forbidden (Deno), and then there is none. */
export function processEnvironment(): Environment {
  const names = ['AGENTWATCH_API_KEY', 'AGENTWATCH_BASE_URL', 'AWS_LAMBDA_FUNCTION_NAME'];
  try {
    return Object.fromEntries(names.map((name) => [name, globalThis.process?.env?.[name]]));
  } catch {
    return {};
  }
}

/** For names that only have to differ, where no `crypto` is: a page that was not served by TLS. */
export function randomId(): string {
  const made = globalThis.crypto?.randomUUID?.();
  if (made !== undefined) return made;
  return [0, 1, 2].map(() => Math.random().toString(36).slice(2)).join('');
}

/** A session id as the wire takes it; null where none is given. */
export function checkedSessionId(value: unknown, name: string): string | null {
  if (value === undefined || value === null) return null;
  if (typeof value !== 'string') throw new TypeError(`${name} must be a string, not ${typeof value}`);
  if (!SESSION_ID.test(value)) throw new RangeError(`${name} must be 1 to 128 letters, digits and _ . : -`);
  return value;
}

/** Dollars as decimal text; null where none are given. */
export function checkedBudgetUsd(value: unknown, name: string): string | null {
  if (value === undefined || value === null) return null;
  if (typeof value !== 'string' && typeof value !== 'number') {
    throw new TypeError(`${name} must be dollars as a number or decimal text, not ${typeof value}`);
  }
  const text = plainDecimal(String(value).trim());
  if (text === null || Number(text) === 0) throw new RangeError(`${name} must be a positive number of dollars`);
  return text;
}

/** A project, team or agent as a header and a report take it; null where none is given. */
export function checkedLabel(value: unknown, name: string): string | null {
  if (value === undefined || value === null) return null;
  if (typeof value !== 'string') throw new TypeError(`${name} must be a string, not ${typeof value}`);
  const label = value.trim();
  if (label.length > LABEL_CHARACTERS_MAX || !PRINTABLE.test(label)) {
    throw new RangeError(`${name} must be 1 to ${LABEL_CHARACTERS_MAX} printable ASCII characters`);
  }
  return label;
}

/** The number without an exponent: small amounts are written with one by `String`. null where it is none. */
function plainDecimal(text: string): string | null {
  const found = DECIMAL.exec(text);
  if (found === null) return null;
  const [, whole = '', fraction = '', exponent = '0'] = found;
  const shift = Number(exponent);
  const digits = whole + fraction + '0'.repeat(Math.max(0, shift - fraction.length));
  const point = whole.length + shift;
  const padded = point < 0 ? '0'.repeat(-point) + digits : digits;
  const before = padded.slice(0, Math.max(0, point)).replace(/^0+(?=\d)/, '') || '0';
  const after = padded.slice(Math.max(0, point));
  return after === '' ? before : `${before}.${after}`;
}

function apiKeyOf(options: AgentWatchOptions, environment: Environment): string {
  const value: unknown = options.agentwatchApiKey ?? (environment['AGENTWATCH_API_KEY'] || undefined);
  if (value === undefined) throw new TypeError('agentwatchApiKey is missing: give it, or set AGENTWATCH_API_KEY');
  if (typeof value !== 'string') throw new TypeError(`agentwatchApiKey must be a string, not ${typeof value}`);
  if (!WORD.test(value.trim())) throw new RangeError('agentwatchApiKey must be one word of printable ASCII');
  return value.trim();
}

/** AgentWatch's own address from any spelling that a user has at hand: with `/v1`, or one of its routes. */
function baseURLOf(options: AgentWatchOptions, environment: Environment): string {
  const value: unknown = options.agentwatchBaseURL ?? (environment['AGENTWATCH_BASE_URL'] || undefined);
  if (value === undefined) throw new TypeError('agentwatchBaseURL is missing: give it, or set AGENTWATCH_BASE_URL');
  const address = addressOf(String(value).trim());
  if (address === null) {
    throw new TypeError('agentwatchBaseURL must be an address like https://agentwatch.example.com');
  }
  if (address.username || address.password || address.search || address.hash) {
    throw new TypeError('agentwatchBaseURL must have no user, query or fragment');
  }
  const path = address.pathname.replace(/\/+$/, '').replace(ROUTE, '');
  return `${address.origin}${path.replace(/\/+$/, '')}`;
}

function addressOf(text: string): URL | null {
  const address = URL.canParse(text) ? new URL(text) : null;
  return address !== null && ['http:', 'https:'].includes(address.protocol) ? address : null;
}

function flag(options: AgentWatchOptions, name: keyof AgentWatchOptions, otherwise: boolean): boolean {
  const value: unknown = options[name] ?? otherwise;
  if (typeof value !== 'boolean') throw new TypeError(`${name} must be true or false, not ${typeof value}`);
  return value;
}

function oneOf(options: AgentWatchOptions, name: keyof AgentWatchOptions, only: string): boolean {
  const value: unknown = options[name] ?? null;
  if (value !== null && value !== only) throw new RangeError(`${name} must be '${only}' or not given`);
  return value === only;
}

function secondsOf(value: unknown): number {
  const name = 'agentwatchTimeoutSeconds';
  if (typeof value !== 'number') throw new TypeError(`${name} must be a number of seconds, not ${typeof value}`);
  if (!(value > 0 && value <= TIMEOUT_SECONDS_MAX)) {
    throw new RangeError(`${name} must be more than 0 and at most ${TIMEOUT_SECONDS_MAX} seconds`);
  }
  return value;
}

function waitUntilOf(options: AgentWatchOptions): Settings['waitUntil'] {
  const value: unknown = options.agentwatchWaitUntil ?? null;
  if (value !== null && typeof value !== 'function') throw new TypeError('agentwatchWaitUntil must be a function');
  return value as Settings['waitUntil'];
}
