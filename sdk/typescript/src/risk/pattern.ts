/**
 * What a pattern is, and the rules all of them keep.
 *
 * Theory of operation. A pattern is tried only where one of its anchors, rare literals, is in the text at all. It
 * begins with a literal or a digit; what may not stand before it is looked at after that. Every quantifier is bounded,
 * and no class holds what follows it, so that a candidate costs a bounded amount and a text a multiple of its length.
 * What a regular expression cannot say (a check digit, randomness, what stands far before) a check decides, over a
 * bounded window. After too many candidates that are none the rest of a text is not searched.
 *
 * The rule easy to break: `OWNED`. What was found is overwritten by it, and so is a placeholder of an earlier
 * redaction. It blocks: nothing beside it, and no context across it, is ever found.
 */

export const OWNED = '\x01';

/** Of one text, found or not: a text made of little else would keep the event loop, and everybody else's calls. */
export const CANDIDATES_MAX = 300_000;

/** Offsets of its first character and of the one behind its last. */
export type Span = readonly [start: number, end: number];

/** Of a candidate: what exactly is found, if anything. `text` is the plain text, whatever was matched on. */
export type Check = (text: string, match: RegExpExecArray) => Span | null;

export interface Pattern {
  readonly anchors: readonly string[];
  readonly expression: RegExp;
  readonly check: Check;
  /** Anchors and expression are of the shape: every digit a zero, every letter small. */
  readonly isOfShape: boolean;
  /** What is found is a word of twenty characters or more, the anchor in it. Most texts have few of them. */
  readonly isLongWord: boolean;
}

export function spanOf(match: RegExpExecArray): Span {
  return [match.index, match.index + match[0].length];
}

const whole: Check = (_text, match) => spanOf(match);

export function pattern(anchors: readonly string[], of: RegExp, check: Check = whole): Pattern {
  return { anchors, expression: searching(of), check, isOfShape: false, isLongWord: false };
}

export function shapePattern(anchors: readonly string[], of: RegExp, check: Check): Pattern {
  return { anchors, expression: searching(of), check, isOfShape: true, isLongWord: false };
}

export function longWord(anchors: readonly string[], of: RegExp, check: Check = whole): Pattern {
  return { anchors, expression: searching(of), check, isOfShape: false, isLongWord: true };
}

/** In every pattern a dot is any character. */
function searching(of: RegExp): RegExp {
  return new RegExp(of.source, 'gs');
}

/** How many candidates may still be looked at, over all pieces of one text. */
export class Effort {
  #left: number;

  constructor(candidatesMax: number = CANDIDATES_MAX) {
    this.#left = candidatesMax;
  }

  /** Whether one more is looked at. */
  spend(): boolean {
    this.#left -= 1;
    return this.#left >= 0;
  }
}

/** A plain text that is being searched. */
export class Scan {
  #text: string;
  #shape: string | null = null;
  readonly #longWords: string;
  readonly #effort: Effort;

  constructor(text: string, effort: Effort) {
    this.#text = text;
    this.#effort = effort;
    this.#longWords = longWordsOf(text).join(' ');
  }

  /** What a pattern finds, in order; it owns it from then on. */
  spans(sought: Pattern): Span[] {
    const seen = sought.isOfShape ? this.#shapeNow() : this.#text;
    const where = sought.isLongWord ? this.#longWords : seen;
    if (!sought.anchors.some((anchor) => where.includes(anchor))) {
      return [];
    }
    const { expression, check } = sought;
    const spans: Span[] = [];
    let done = 0;
    expression.lastIndex = 0;
    for (let match = expression.exec(seen); match !== null && this.#effort.spend(); match = expression.exec(seen)) {
      const span = check(this.#text, match);
      if (span !== null && span[0] >= done) {
        spans.push(span);
        done = span[1];
      }
    }
    this.own(spans);
    return spans;
  }

  own(spans: readonly Span[]): void {
    if (spans.length === 0) {
      return;
    }
    const pieces: string[] = [];
    let done = 0;
    for (const [start, end] of spans) {
      pieces.push(this.#text.slice(done, start), OWNED.repeat(end - start));
      done = end;
    }
    this.#text = pieces.join('') + this.#text.slice(done);
    this.#shape = null;
  }

  #shapeNow(): string {
    this.#shape ??= shapeOf(this.#text);
    return this.#shape;
  }
}

const ENCODER = new TextEncoder();
const DECODER = new TextDecoder();
const SHAPE = Uint8Array.from({ length: 128 }, (_, code) => {
  if (code >= 65 && code <= 90) {
    return code + 32;
  }
  return code >= 48 && code <= 57 ? 48 : code;
});

/** By bytes, since a replacement for each digit costs twenty times as much. */
function shapeOf(text: string): string {
  const bytes = ENCODER.encode(text);
  for (let index = 0; index < bytes.length; index += 1) {
    bytes[index] = SHAPE[bytes[index] as number] as number;
  }
  return DECODER.decode(bytes);
}

/** A set of ASCII characters, asked by code. */
export class Characters {
  readonly #isIn = new Uint8Array(128);

  constructor(characters: string) {
    for (let index = 0; index < characters.length; index += 1) {
      this.#isIn[characters.charCodeAt(index)] = 1;
    }
  }

  /** Whether one stands there; false beyond both ends. */
  standsAt(text: string, index: number): boolean {
    return this.#isIn[text.charCodeAt(index)] === 1;
  }

  /** Where the run of them begins that ends here, no earlier than `limit`. */
  runBefore(text: string, end: number, limit: number): number {
    let start = end;
    while (start > limit && this.standsAt(text, start - 1)) {
      start -= 1;
    }
    return start;
  }

  isAllOf(text: string, start: number, end: number): boolean {
    return this.runBefore(text, end, start) === start;
  }
}

export const DIGITS = '0123456789';
export const LETTERS_AND_DIGITS = `ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz${DIGITS}`;

const LONG = new Characters(`${LETTERS_AND_DIGITS}_+/=.~%-`);
const LONG_WORD_CHARACTERS_MIN = 20;

/** Of twenty characters one is looked at, and its neighbours only where it is part of a word. */
function longWordsOf(text: string): string[] {
  const words: string[] = [];
  let done = 0;
  for (let probe = LONG_WORD_CHARACTERS_MIN - 1; probe < text.length; probe += LONG_WORD_CHARACTERS_MIN) {
    if (!LONG.standsAt(text, probe)) {
      continue;
    }
    const start = LONG.runBefore(text, probe, done);
    let end = probe + 1;
    while (LONG.standsAt(text, end)) {
      end += 1;
    }
    if (end - start >= LONG_WORD_CHARACTERS_MIN) {
      words.push(text.slice(start, end));
    }
    done = probe = end;
  }
  return words;
}

const WORD_OR_PLUS = new Characters(`${LETTERS_AND_DIGITS}_+${OWNED}`);

/** Whether neither neighbour is part of a word, or a plus. */
export function standsAlone(text: string, [start, end]: Span): boolean {
  return !WORD_OR_PLUS.standsAt(text, start - 1) && !WORD_OR_PLUS.standsAt(text, end);
}

/** Whether two characters drawn from it are the same at most once in so many times. */
export function isRandom(text: string, once: number): boolean {
  const counts = new Uint32Array(128);
  let squares = 0;
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    const count = counts[code] as number;
    squares += 2 * count + 1;
    counts[code] = count + 1;
  }
  return text.length ** 2 >= once * squares;
}
