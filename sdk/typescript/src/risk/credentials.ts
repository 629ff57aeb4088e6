/** Secrets that are more than a word: private keys in their armour, and what opens a database. */

import { longWord, OWNED, pattern, shapePattern, spanOf, type Check, type Pattern } from './pattern.ts';

// Private keys --------------------------------------------------------------------------------------------------------

/** Of base64 after the header. The header alone is code or prose. */
const KEY_BASE64_MIN = 64;

/** Of a key with its armour. RSA with 16,384 bits has 12,700. */
const KEY_CHARACTERS_MAX = 16_384;

const LITERAL_BREAK = /\\[nrt]/g;
const BODY = new RegExp(
  String.raw`^[\s"',\\|>]{0,60}(?:[A-Z][A-Za-z-]{2,30}:[^\n]{0,120}\n\s{0,20}){0,6}` +
    String.raw`((?:[A-Za-z0-9+/]{16,}={0,2}[\s"',\\|>]{0,60}){1,400}` +
    String.raw`(?:[A-Za-z0-9+/]{1,15}={0,2}(?![A-Za-z0-9+/=:-]))?)`,
);
const END = new RegExp(
  String.raw`[\s"',\\|>]{0,60}(?:=[A-Za-z0-9+/]{4}[\s"',\\|>]{1,60})?-{4,5} ?END [A-Z0-9 ]{0,40}PRIVATE KEY` +
    String.raw`(?: BLOCK)? ?-{4,5}`,
  'y',
);
const NO_BASE64 = /[\s"',\\|>=]/g;
const BLANKS = ' \t\r\n\f\v"\',\\|>';

/** The end may be missing, where a text was cut; it is looked for where the body ends and nowhere else. */
const armoured: Check = (text, match) => {
  const end = bodyEnd(text, match.index + match[0].length);
  return end === null ? null : [match.index, end];
};

function bodyEnd(text: string, start: number): number | null {
  const limit = Math.min(text.length, start + KEY_CHARACTERS_MAX);
  const reach = text.slice(start, limit);
  const nextKey = reach.indexOf('BEGIN ');
  const window = (nextKey < 0 ? reach : reach.slice(0, nextKey)).replace(LITERAL_BREAK, '  ');
  const body = BODY.exec(window);
  const base64 = body?.[1];
  if (!body || base64 === undefined || base64.replace(NO_BASE64, '').length < KEY_BASE64_MIN) {
    return null;
  }
  END.lastIndex = body[0].length;
  const end = END.exec(window);
  return start + (end ? body[0].length + end[0].length : body[0].length - base64.length + withoutBlanks(base64));
}

/** Its length without the blanks at its end. */
function withoutBlanks(base64: string): number {
  let end = base64.length;
  while (end > 0 && BLANKS.includes(base64[end - 1] as string)) {
    end -= 1;
  }
  return end;
}

const PUTTY_LINES = /Private-Lines: {0,4}[0-9]{1,4}/;

/** Its public half stands first, and its private half is headed by the number of its lines. */
const putty: Check = (text, match) => {
  const [start, headerEnd] = spanOf(match);
  const reach = text.slice(headerEnd, headerEnd + KEY_CHARACTERS_MAX);
  const nextKey = reach.indexOf('PuTTY-User-Key');
  const lines = PUTTY_LINES.exec(nextKey < 0 ? reach : reach.slice(0, nextKey));
  if (!lines || reach.slice(0, lines.index).includes(OWNED)) {
    return null;
  }
  const end = bodyEnd(text, headerEnd + lines.index + lines[0].length);
  return end === null ? null : [start, end];
};

export const SSH_KEY: readonly Pattern[] = [
  pattern(
    ['PRIVATE KEY'],
    new RegExp(
      '----(?:-BEGIN (?:(?:RSA|DSA|EC|OPENSSH|ENCRYPTED|PGP|ANY|SSH2 ENCRYPTED) )?PRIVATE KEY(?: BLOCK)?-----' +
        '| BEGIN SSH2 ENCRYPTED PRIVATE KEY ----)',
    ),
    armoured,
  ),
  longWord(['PuTTY-User-Key-File-'], /PuTTY-User-Key-File-[23]:/, putty),
];

// Databases -----------------------------------------------------------------------------------------------------------

const SCHEME = new RegExp(
  String.raw`(?:^|[^A-Za-z0-9+._\x01-])((?:jdbc:)?(?:postgres|postgresql|postgis|cockroachdb|mysql|mariadb|mongodb` +
    String.raw`|rediss?|valkeys?|amqps?|mssql|sqlserver|clickhouses?|oracle|db2|snowflake|redshift)` +
    String.raw`(?:\+[a-z0-9_]{1,20})?)$`,
  'i',
);
const SCHEME_CHARACTERS_MAX = 48;

/** What stands where a password belongs and is none. */
const PLACEHOLDER = new RegExp(
  String.raw`^(?:[\[{<$].{0,256}|%(?:[sdv({%].{0,256})?|(.)\1{0,255}|.{0,64}\.\.\.|\W{0,8}` +
    String.raw`(?:(?:your|my|the|db|database|user)?[_-]?(?:password|passwd|passwort|passphrase|pass|pwd|pw)` +
    String.raw`(?:[_-]?here)?` +
    String.raw`|your[_-].{0,64}|change[_-]?me|redacted|hidden|masked|placeholder)\W{0,8})$`,
  'is',
);

function isPassword(value: string): boolean {
  return value !== '' && !value.includes(OWNED) && !PLACEHOLDER.test(value);
}

/** Scheme, user and password, and the first host; the rest of the address is harmless. */
const address: Check = (text, match) => {
  if (!isPassword(match[1] as string)) {
    return null;
  }
  const [start, end] = spanOf(match);
  const scheme = SCHEME.exec(text.slice(Math.max(0, start - SCHEME_CHARACTERS_MAX), start))?.[1];
  return scheme === undefined ? null : [start - scheme.length, end];
};

const SERVER = ['server=', 'data source=', 'host=', 'addr=', 'address=', 'jdbc:'];
const SETTING_CHARACTERS_MAX = 400;

/** A password among settings of which one names the server, all in one line. It stands at the match's end. */
const setting: Check = (text, match) => {
  const [start, end] = spanOf(match);
  const passwordStart = end - (match[1] as string).length;
  if (!isPassword(text.slice(passwordStart, end))) {
    return null;
  }
  const before = text.slice(Math.max(0, start - SETTING_CHARACTERS_MAX), start);
  const lineStart = Math.max(before.lastIndexOf('\n'), before.lastIndexOf(OWNED)) + 1;
  if (namesAServer(before.slice(lineStart))) {
    return [passwordStart, end];
  }
  const after = LINE.exec(text.slice(end, end + SETTING_CHARACTERS_MAX))?.[0] ?? '';
  return after.includes(';') && namesAServer(after) ? [passwordStart, end] : null;
};

function namesAServer(settings: string): boolean {
  const small = settings.toLowerCase();
  return SERVER.some((name) => small.includes(name));
}

const LINE = /^[^\n\x01]{0,400}/;

export const DB_CONNECTION: readonly Pattern[] = [
  pattern(
    ['://'],
    new RegExp(
      String.raw`:\/\/[^\s:/?#@"'<>\x60\x01]{0,128}:([^\s/?#"'<>\x60\x01]{1,256})@` +
        String.raw`(?:[A-Za-z0-9][A-Za-z0-9._-]{0,252}|\[[0-9A-Fa-f:.]{2,45}\])`,
    ),
    address,
  ),
  shapePattern(['password=', 'pwd='], /p(?:assword|wd)=["']?([^\s;&"'<>,\\\x01]{1,128})/, setting),
];
