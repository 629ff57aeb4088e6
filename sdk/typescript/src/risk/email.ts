/**
 * E-mail addresses, and what is written with an @ and is nobody's: files, versions, remotes, users in URLs, and what is
 * in a domain that is reserved for examples.
 */

import { Characters, LETTERS_AND_DIGITS, OWNED, pattern, spanOf, type Check, type Pattern } from './pattern.ts';

const LOCAL = new Characters(`${LETTERS_AND_DIGITS}._%+-`);
const LOCAL_CHARACTERS_MAX = 64;
const NO_BEGINNING = new Characters('.-+%');

/** What a file's or a unit's name ends in, and no domain does. */
const NO_DOMAINS = new Set(
  (
    'png jpg jpeg gif svg webp ico bmp css scss less js mjs cjs jsx ts tsx json yaml yml toml xml html txt log lock' +
    ' conf tgz gz jar dll exe wav mp3 mp4 pdf csv service socket timer target'
  ).split(' '),
);

/** With everything below them (RFC 2606, RFC 6761): nobody has an address there. */
const RESERVED_TOP = new Set(['example', 'test', 'invalid', 'localhost']);
const RESERVED = new Set(['example.com', 'example.net', 'example.org']);

const KOTLIN = new Set(['this', 'super', 'return']);
const ONLY_NUMBER = /^[0-9]+x?$/;
const NUMBER = /^[0-9]+x?/;
const REMOTE_PATH = /^:(?:[~/]|[A-Za-z0-9._~-]{1,100}\/)/;
const REMOTE_PATH_CHARACTERS_MAX = 102;
const IN_URL = /:\/\/[^\s/?#@"'<>]{0,256}$/;
const URL_CHARACTERS_MAX = 260;

const address: Check = (text, match) => {
  const [at, end] = spanOf(match);
  const domain = match[1] as string;
  const runStart = LOCAL.runBefore(text, at, Math.max(0, at - LOCAL_CHARACTERS_MAX - 1));
  let start = runStart;
  while (start < at && NO_BEGINNING.standsAt(text, start)) {
    start += 1;
  }
  const local = text.slice(start, at);
  if (local === '' || at - runStart > LOCAL_CHARACTERS_MAX) {
    return null;
  }
  if (local.endsWith('.') || local.includes('..') || text[start - 1] === OWNED) {
    return null;
  }
  if (KOTLIN.has(local) || isVersionOrFile(domain) || isReserved(domain)) {
    return null;
  }
  const isElsewhere =
    REMOTE_PATH.test(text.slice(end, end + REMOTE_PATH_CHARACTERS_MAX)) ||
    IN_URL.test(text.slice(Math.max(0, start - URL_CHARACTERS_MAX), start));
  return isElsewhere ? null : [start, end];
};

function isVersionOrFile(domain: string): boolean {
  const labels = domain.split('.');
  const last = labels[labels.length - 1] as string;
  if (labels.some((label) => label.startsWith('-') || label.endsWith('-')) || NO_DOMAINS.has(last.toLowerCase())) {
    return true;
  }
  return ONLY_NUMBER.test(labels[0] as string) && labels.length > 2 && NUMBER.test(labels[1] as string);
}

function isReserved(domain: string): boolean {
  const labels = domain.toLowerCase().split('.');
  return RESERVED_TOP.has(labels[labels.length - 1] as string) || RESERVED.has(labels.slice(-2).join('.'));
}

export const EMAIL: readonly Pattern[] = [
  pattern(
    ['@'],
    /@((?:[A-Za-z0-9-]{1,63}\.){1,8}(?:[A-Za-z]{2,24}|xn--[A-Za-z0-9-]{2,59}))(?![A-Za-z0-9_@(\x01-])/,
    address,
  ),
];
