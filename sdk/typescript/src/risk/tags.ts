/**
 * The twelve risk tags: what in a text is a secret or about a person, by where it stands.
 *
 * Patterns are asked in the order of who owns a span: what is longest and most specific first, so that a password's
 * telephone number or a token's card is nobody's but the password's and the token's. A long text is searched in windows
 * that overlap. AgentWatch and its Python SDK have the same; shared vectors hold all three to each other.
 */

import { AZURE } from './azureKeys.ts';
import { DB_CONNECTION, SSH_KEY } from './credentials.ts';
import { EMAIL } from './email.ts';
import { CARD, PHONE, SSN } from './numbers.ts';
import { Effort, Scan, type Pattern, type Span } from './pattern.ts';
import { isPair, placeOf, plain } from './plainText.ts';
import { AWS, GITHUB, JWT, SLACK, STRIPE } from './tokens.ts';

/** In the order in which they are told. */
export const TAGS = [
  'PII_EMAIL',
  'PII_SSN',
  'PII_PHONE',
  'FINANCIAL_CREDIT_CARD',
  'SECRET_AWS_ACCESS_KEY',
  'SECRET_STRIPE',
  'SECRET_GITHUB',
  'SECRET_JWT',
  'SECRET_AZURE_KEY',
  'SECRET_SLACK_TOKEN',
  'SECRET_SSH_KEY',
  'SECRET_DB_CONNECTION',
] as const;

export type RiskTag = (typeof TAGS)[number];

export const WINDOW_CHARACTERS = 262_144;

/**
 * What begins in the last characters of a window is found in the next, which begins a little before it. So it is whole
 * if it is no longer than this.
 */
export const OVERLAP_CHARACTERS = 16_384;

/** As far as any pattern looks back. */
const CONTEXT_CHARACTERS = 512;

export const OWNERS: ReadonlyArray<readonly [RiskTag, readonly Pattern[]]> = [
  ['SECRET_DB_CONNECTION', DB_CONNECTION],
  ['SECRET_SSH_KEY', SSH_KEY],
  ['SECRET_GITHUB', GITHUB],
  ['SECRET_JWT', JWT],
  ['SECRET_AZURE_KEY', AZURE],
  ['SECRET_SLACK_TOKEN', SLACK],
  ['SECRET_AWS_ACCESS_KEY', AWS],
  ['SECRET_STRIPE', STRIPE],
  ['FINANCIAL_CREDIT_CARD', CARD],
  ['PII_PHONE', PHONE],
  ['PII_SSN', SSN],
  ['PII_EMAIL', EMAIL],
];

const WRITTEN = /\[(?:EMAIL|SSN|PHONE|CARD|SECRET)\]/g;

/**
 * A number that seems to go on in its neighbour stands alone once the neighbour is known for what it is, so what has
 * findings is searched again.
 */
const ROUNDS_MAX = 4;

/** Where something is. Offsets count code points. */
export interface Finding {
  readonly tag: RiskTag;
  readonly start: number;
  readonly end: number;
}

/** What is found, in the order in which it stands; no two overlap. With its effort spent, what was found so far. */
export function find(text: string, effort: Effort = new Effort()): Finding[] {
  if (text.length <= WINDOW_CHARACTERS) {
    return findIn(text, effort);
  }
  const places = new CodePoints(text);
  const found: Finding[] = [];
  let done = 0;
  for (let first = 0; first < places.count; ) {
    const windowStart = Math.max(0, first - CONTEXT_CHARACTERS);
    const windowEnd = Math.min(places.count, windowStart + WINDOW_CHARACTERS);
    const limit = windowEnd === places.count ? windowEnd : windowEnd - OVERLAP_CHARACTERS;
    for (const finding of findIn(places.slice(windowStart, windowEnd), effort)) {
      const start = finding.start + windowStart;
      if (start >= Math.max(first, done) && start < limit) {
        done = finding.end + windowStart;
        found.push({ tag: finding.tag, start, end: done });
      }
    }
    first = limit;
  }
  return found;
}

/** What there is, in the order of `TAGS`. */
export function tagsOf(text: string, effort?: Effort): RiskTag[] {
  return inOrder(new Set(find(text, effort).map((finding) => finding.tag)));
}

export function inOrder(tags: ReadonlySet<RiskTag>): RiskTag[] {
  return tags.size === 0 ? [] : TAGS.filter((tag) => tags.has(tag));
}

function findIn(text: string, effort: Effort): Finding[] {
  const seen = plain(text);
  const scan = new Scan(seen.text, effort);
  scan.own(Array.from(seen.text.matchAll(WRITTEN), (match): Span => [match.index, match.index + match[0].length]));
  const found: Finding[] = [];
  for (let round = 0; round < ROUNDS_MAX; round += 1) {
    const earlier = found.length;
    for (const [tag, patterns] of OWNERS) {
      for (const span of patterns.flatMap((pattern) => scan.spans(pattern))) {
        const [start, end] = placeOf(seen, ...span);
        found.push({ tag, start, end });
      }
    }
    if (found.length === earlier) {
      break;
    }
  }
  return found.sort((one, other) => one.start - other.start);
}

/** A long text by code points, where units of UTF-16 are asked for from the left to the right. */
class CodePoints {
  readonly count: number;
  readonly #text: string;
  readonly #hasPairs: boolean;
  #point = 0;
  #unit = 0;

  constructor(text: string) {
    this.#text = text;
    const pairs = countPairs(text);
    this.#hasPairs = pairs > 0;
    this.count = text.length - pairs;
  }

  slice(start: number, end: number): string {
    return this.#hasPairs ? this.#text.slice(this.#unitOf(start), this.#unitOf(end)) : this.#text.slice(start, end);
  }

  #unitOf(point: number): number {
    while (this.#point < point) {
      const isOfTwo = isPair(this.#text.charCodeAt(this.#unit), this.#text.charCodeAt(this.#unit + 1));
      this.#unit += isOfTwo ? 2 : 1;
      this.#point += 1;
    }
    while (this.#point > point) {
      const isOfTwo = isPair(this.#text.charCodeAt(this.#unit - 2), this.#text.charCodeAt(this.#unit - 1));
      this.#unit -= isOfTwo ? 2 : 1;
      this.#point -= 1;
    }
    return this.#unit;
  }
}

function countPairs(text: string): number {
  let pairs = 0;
  for (let unit = 0; unit < text.length - 1; unit += 1) {
    if (isPair(text.charCodeAt(unit), text.charCodeAt(unit + 1))) {
      pairs += 1;
      unit += 1;
    }
  }
  return pairs;
}
