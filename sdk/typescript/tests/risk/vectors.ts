/** The shared vectors, joined, and what a test needs to read a text without what was found in it. */

import { readFileSync } from 'node:fs';

import { find } from '../../src/risk/tags.ts';

interface Tagged {
  readonly id: string;
  readonly about: string | null;
  readonly text: readonly string[];
  readonly tags: readonly string[];
  readonly redacted?: string;
}

interface RiskTags {
  readonly tags: readonly string[];
  readonly placeholders: Readonly<Record<string, string>>;
  readonly cases: readonly Tagged[];
}

interface OrdinaryText {
  readonly cases: ReadonlyArray<{ readonly id: string; readonly text: string }>;
}

interface RequestTexts {
  readonly canary: string;
  readonly cases: ReadonlyArray<{
    readonly id: string;
    readonly dialect: string;
    readonly is_read: boolean;
    readonly body: Readonly<Record<string, unknown>>;
  }>;
}

export interface Case {
  readonly name: string;
  readonly text: string;
  readonly tags: readonly string[];
  readonly redacted: string;
}

function read(name: string): unknown {
  return JSON.parse(readFileSync(new URL(`../../../../vectors/${name}`, import.meta.url), 'utf8'));
}

const vectors = read('risk_tags.json') as RiskTags;
const requestTexts = read('request_texts.json') as RequestTexts;

export const PUBLISHED_TAGS = vectors.tags;

export const CASES: readonly Case[] = vectors.cases.map(({ id, about, text, tags, redacted }) => {
  const joined = text.join('');
  return { name: `${about ?? 'text'}: ${id}`, text: joined, tags, redacted: redacted ?? joined };
});

export const ORDINARY = (read('ordinary_text.json') as OrdinaryText).cases;
export const PLACES = requestTexts.cases;
export const CANARY = requestTexts.canary;

export function redact(text: string): string {
  const points = Array.from(text);
  const pieces: string[] = [];
  let done = 0;
  for (const { tag, start, end } of find(text)) {
    pieces.push(...points.slice(done, start), vectors.placeholders[tag] ?? '');
    done = end;
  }
  return [...pieces, ...points.slice(done)].join('');
}
