/**
 * Which strings of a request or an answer a model reads as text, and which risk tags they have together.
 *
 * What comes in is what the clients take and give: objects, lists and strings, in any mixture. Nothing is changed,
 * called or consumed: an iterator, a stream, bytes and whatever says itself how it becomes JSON are passed over. Names
 * mean what they mean at the edge (`risk/memberNames`); media is told by its name or by both its ends and never read.
 *
 * An agent sends its history again with each turn. So a request is searched by its messages, and what was found in one
 * is kept under the digest of its texts: a turn costs a digest of the old messages and a search of the new ones.
 *
 * The rule easy to break: what is kept are digests and tags, never a text.
 */

import {
  BASE64_CHARACTERS_MIN,
  inside,
  meaningOf,
  NAME_CHARACTERS_MAX,
  tells,
  unescaped,
  type Meaning,
} from './risk/memberNames.ts';
import { Effort } from './risk/pattern.ts';
import { inOrder, tagsOf, type RiskTag } from './risk/tags.ts';

/** Of one request or answer. */
export interface Bounds {
  /** Lists and objects within each other. What is deeper is no request. */
  readonly depthMax: number;
  /** Looked at to find its texts. */
  readonly valuesMax: number;
  /** More fits in no model. The rest is not searched. */
  readonly charactersMax: number;
}

const BOUNDS: Bounds = { depthMax: 100, valuesMax: 1_000_000, charactersMax: 8_000_000 };

/** Of one message: the user's call waits for it. */
const CANDIDATES_MAX = 30_000;

/** Twice so many are known at most, at less than 300 bytes each. */
const SEEN_MESSAGES_MAX = 8_192;

/**
 * Every string that a model reads, in its order; and before a value of the caller's own the name that tells what it is.
 * JSON within a string has its own escapes undone.
 */
export function* textsOf(value: unknown, bounds: Bounds = BOUNDS): Generator<string, void, undefined> {
  for (const text of walk(value, bounds)) {
    if (text !== null) {
      yield text;
    }
  }
}

/**
 * What is in those strings, in the order in which tags are told. What stands in one message is searched together, line
 * by line. It never throws: the user's call does not depend on it.
 */
export function riskTagsOf(value: unknown, seen: SeenMessages = SEEN): RiskTag[] {
  try {
    const tags = new Set<RiskTag>();
    for (const message of messagesOf(value)) {
      seen.tagsOf(message).forEach((tag) => tags.add(tag));
    }
    return inOrder(tags);
  } catch {
    return []; // a getter of the user's own may do anything
  }
}

function* messagesOf(value: unknown): Generator<string, void, undefined> {
  let lines: string[] = [];
  for (const text of walk(value, BOUNDS)) {
    if (text !== null) {
      lines.push(text);
    } else if (lines.length > 0) {
      yield lines.join('\n');
      lines = [];
    }
  }
  if (lines.length > 0) {
    yield lines.join('\n');
  }
}

// What was searched before --------------------------------------------------------------------------------------------

type Tags = readonly RiskTag[];
type Search = (text: string, effort: Effort) => Tags;

/** What was found in messages, by their digests: two generations, of which the elder is dropped. */
export class SeenMessages {
  readonly #messagesMax: number;
  readonly #candidatesMax: number;
  readonly #search: Search;
  #young = new Map<string, Tags>();
  #old = new Map<string, Tags>();
  #seed: number | null = null;

  constructor(
    messagesMax: number = SEEN_MESSAGES_MAX,
    candidatesMax: number = CANDIDATES_MAX,
    search: Search = tagsOf,
  ) {
    this.#messagesMax = messagesMax;
    this.#candidatesMax = candidatesMax;
    this.#search = search;
  }

  get size(): number {
    return this.#young.size + this.#old.size;
  }

  tagsOf(message: string): Tags {
    this.#seed ??= Math.floor(Math.random() * 0x1_0000_0000); // at first use: a Worker has no random values at import
    const digest = digestOf(message, this.#seed);
    const known = this.#young.get(digest);
    if (known) {
      return known;
    }
    const tags = this.#old.get(digest) ?? this.#search(message, new Effort(this.#candidatesMax));
    if (this.#young.size >= this.#messagesMax) {
      this.#old = this.#young;
      this.#young = new Map();
    }
    this.#young.set(digest, tags);
    return tags;
  }
}

const SEEN = new SeenMessages();

/**
 * 128 bits and the length. Not cryptographic, since such a digest is not to be had everywhere without waiting; but
 * seeded, so that nobody can write a message that passes for another. No step loses anything of a lane.
 */
function digestOf(text: string, seed: number): string {
  let [a, b, c, d] = [seed ^ 0x9e3779b9, seed ^ 0x243f6a88, seed ^ 0xb7e15162, seed ^ 0x6a09e667];
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    a = mixed(a ^ code, 0x85ebca6b);
    b = mixed(b ^ code, 0xc2b2ae35);
    c = mixed(c ^ code, 0x27d4eb2f);
    d = mixed(d ^ code, 0x165667b1);
  }
  return `${text.length}:${[a, b, c, d].map((lane) => (lane >>> 0).toString(36)).join('.')}`;
}

function mixed(lane: number, factor: number): number {
  const product = Math.imul(lane, factor);
  return product ^ (product >>> 15);
}

// The walk over objects -----------------------------------------------------------------------------------------------

type Member = readonly [name: string | null, value: unknown];

interface Open {
  readonly members: readonly Member[];
  readonly kind: Meaning;
  next: number;
}

/** Texts, and null where a message may end: around the members of a request and the items of its lists. */
function walk(value: unknown, bounds: Bounds): Generator<string | null, void, undefined> {
  return new Walk(typeof value === 'string' ? [value] : value, Array.isArray(value) ? 1 : 2, bounds).texts();
}

/** Over one request or answer. What is open is kept in a list, so that no depth is too much for the stack. */
class Walk {
  readonly #open: Open[];
  readonly #messageDepth: number;
  readonly #depthMax: number;
  #valuesLeft: number;
  #charactersLeft: number;

  constructor(root: unknown, messageDepth: number, bounds: Bounds) {
    const members = membersOf(root);
    this.#open = members ? [{ members, kind: 'walked', next: 0 }] : [];
    this.#messageDepth = messageDepth;
    this.#depthMax = bounds.depthMax;
    this.#valuesLeft = bounds.valuesMax;
    this.#charactersLeft = bounds.charactersMax;
  }

  *texts(): Generator<string | null, void, undefined> {
    while (this.#valuesLeft > 0 && this.#charactersLeft > 0) {
      const innermost = this.#open[this.#open.length - 1];
      if (!innermost) {
        return;
      }
      this.#valuesLeft -= 1;
      const member = innermost.members[innermost.next];
      innermost.next += 1;
      if (member) {
        yield* this.#member(member, innermost.kind);
        continue;
      }
      this.#open.pop();
      if (this.#open.length <= this.#messageDepth) {
        yield null;
      }
    }
  }

  *#member([name, value]: Member, kind: Meaning): Generator<string | null, void, undefined> {
    if (name !== null && this.#open.length === 1) {
      yield null;
    }
    if (name !== null && kind === 'own' && tells(name)) {
      yield name.replace(NO_NAME, '');
    }
    const meaning = name === null || kind === 'own' ? 'walked' : meaningOf(name);
    if (typeof value === 'string') {
      if (isText(value, meaning)) {
        const text = unescaped(value.slice(0, this.#charactersLeft));
        this.#charactersLeft -= text.length;
        yield text;
      }
    } else if (meaning !== 'out' && this.#enter(value, kind, meaning) && this.#open.length <= this.#messageDepth + 1) {
      yield null;
    }
  }

  #enter(value: unknown, kind: Meaning, meaning: Meaning): boolean {
    const members = this.#open.length < this.#depthMax ? membersOf(value) : null;
    if (members) {
      const isAtTop = this.#open.length === 1;
      this.#open.push({ members, kind: inside(kind, meaning, !Array.isArray(value), isAtTop), next: 0 });
    }
    return members !== null;
  }
}

/** A name is there for what it tells, and never a finding by itself. */
const NO_NAME = /[0-9@]/g;

/** What is in a list or an object; null of anything else. A copy: the user may change theirs meanwhile. */
function membersOf(value: unknown): Member[] | null {
  if (Array.isArray(value)) {
    return value.filter(mayHoldText).map((item) => [null, item]);
  }
  if (typeof value !== 'object' || value === null || isOfItsOwnKind(value)) {
    return null;
  }
  return Object.entries(value).map(([name, inner]) => [name.slice(0, NAME_CHARACTERS_MAX), inner]);
}

/** Of numbers there may be very many: an embedding's tokens. */
function mayHoldText(value: unknown): boolean {
  return typeof value === 'string' || (typeof value === 'object' && value !== null);
}

/** Streams, iterators, maps and bytes; dates, addresses and whatever else says itself how it becomes JSON. */
function isOfItsOwnKind(value: object): boolean {
  return Symbol.iterator in value || Symbol.asyncIterator in value || ArrayBuffer.isView(value) || 'toJSON' in value;
}

const ADDRESS = /^data:[^\s,]{0,200},/i;
const NO_BASE64 = /[^A-Za-z0-9+/_=\r\n-]/;

function isText(string: string, meaning: Meaning): boolean {
  if (string === '' || meaning === 'out' || meaning === 'signed' || ADDRESS.test(string)) {
    return false;
  }
  return !((meaning === 'media' || string.length >= BASE64_CHARACTERS_MIN) && isBase64(string));
}

/** Judged by both its ends. */
function isBase64(string: string): boolean {
  const ends = [string.slice(0, BASE64_CHARACTERS_MIN), string.slice(-BASE64_CHARACTERS_MIN)];
  return !ends.some((end) => NO_BASE64.test(end));
}
