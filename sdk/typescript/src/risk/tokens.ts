/** Secrets that are one word, told by a prefix that their issuer gives them: AWS, Stripe, GitHub, JWT, Slack. */

import { isRandom, longWord, shapePattern, spanOf, standsAlone, type Check, type Pattern } from './pattern.ts';

// AWS -----------------------------------------------------------------------------------------------------------------

/** The documentation's own keys say EXAMPLE. */
const accessKey: Check = (text, match) => {
  const [key] = match;
  const isKey = !key.endsWith('EXAMPLE') && isRandom(key.slice(4), 6);
  return isKey && standsAlone(text, spanOf(match)) ? spanOf(match) : null;
};

const SECRET_KEY_CHARACTERS = 40;

/** The key stands at the match's end. */
const secretKey: Check = (text, match) => {
  const end = match.index + match[0].length;
  const key = text.slice(end - SECRET_KEY_CHARACTERS, end);
  return !key.includes('EXAMPLE') && isRandom(key, 8) ? [end - SECRET_KEY_CHARACTERS, end] : null;
};

const random: Check = (_text, match) => (isRandom(match[1] as string, 8) ? spanOf(match) : null);

/**
 * Access keys of users and of sessions, the secret that belongs to one where it is called so, and the keys of Bedrock.
 * Identifiers with any other prefix (AIDA, AROA, ABIA, ACCA and their kin) open nothing by themselves.
 */
export const AWS: readonly Pattern[] = [
  longWord(['AKIA', 'ASIA'], /A[KS]IA[A-Z2-7]{16}/, accessKey),
  shapePattern(
    ['secret_access_key', 'secretaccesskey'],
    /secret_?access_?key["']?[ \t]{0,3}[=:\n,>][ \t\n"']{0,3}[a-z0+/]{40}(?![a-z0+/=_\x01])/,
    secretKey,
  ),
  longWord(
    ['ABSK'],
    /ABSK(?<![A-Za-z0-9+/=_\x01].{4})([A-Za-z0-9+/]{109,269}={0,2})(?![A-Za-z0-9+/=_\x01])/,
    random,
  ),
  longWord(
    ['bedrock-api-key-'],
    /bedrock-api-key-(?<![A-Za-z0-9+/_\x01-].{16})([A-Za-z0-9+/_-]{40,4000}={0,2})(?![A-Za-z0-9+/=_\x01-])/,
    random,
  ),
];

// Stripe --------------------------------------------------------------------------------------------------------------

/** The letter before the anchor tells secret keys from restricted ones. */
const withLetterBefore: Check = (_text, match) => [match.index - 1, match.index + match[0].length];

/** Secret and restricted keys and those that sign webhooks. Publishable keys (pk_) are public. */
export const STRIPE: readonly Pattern[] = [
  longWord(
    ['k_live_', 'k_test_'],
    /k_(?:live|test)_(?<=[rs].{7})(?<![A-Za-z0-9_\x01].{8})[A-Za-z0-9]{16,255}(?![A-Za-z0-9_\x01])/,
    withLetterBefore,
  ),
  longWord(
    ['sk_org_'],
    /sk_org_(?<![A-Za-z0-9_\x01].{7})(?:live_|test_)?[A-Za-z0-9]{16,255}(?![A-Za-z0-9_\x01])/,
  ),
  longWord(['whsec_'], /whsec_(?<![A-Za-z0-9_\x01].{6})[A-Za-z0-9+/]{32,64}={0,2}(?![A-Za-z0-9_+/=\x01])/),
];

// GitHub --------------------------------------------------------------------------------------------------------------

/** Forty characters; since April 2026 also `ghs_`, an app's id and a JWT, which is then no JWT by itself. */
export const GITHUB: readonly Pattern[] = [
  longWord(
    ['ghp_', 'gho_', 'ghu_', 'ghs_', 'ghr_'],
    new RegExp(
      String.raw`gh[pousr]_(?<![A-Za-z0-9_\x01].{4})(?:[A-Za-z0-9]{36,255}(?![A-Za-z0-9_\x01])` +
        String.raw`|[0-9]{1,20}_eyJ[A-Za-z0-9_-]{8,1000}\.[A-Za-z0-9_-]{8,4000}\.[A-Za-z0-9_-]{16,1000}` +
        String.raw`(?![A-Za-z0-9_\x01-]))`,
    ),
  ),
  longWord(
    ['github_pat_'],
    /github_pat_(?<![A-Za-z0-9_\x01].{11})[A-Za-z0-9]{22}_[A-Za-z0-9]{59}(?![A-Za-z0-9_\x01])/,
  ),
];

// JWT -----------------------------------------------------------------------------------------------------------------

const ALG = /"alg"[ \t\r\n]{0,8}:[ \t\r\n]{0,8}"[A-Za-z0-9+._-]{1,40}"/;
const BLANKS = ' \t\r\n\f\v';
const SIGNATURE_MIN = 16;

/**
 * Signed: header, payload, signature. Encrypted: five parts, the second of which may be empty. The header is looked at
 * and not parsed: what it holds a stranger wrote.
 */
const webToken: Check = (_text, match) => {
  const all = match[0].split('.');
  const header = decoded(all[0] as string);
  if (!endsInBrace(header) || !ALG.test(header)) {
    return null;
  }
  const isEncrypted = header.includes('"enc"');
  const parts = all.slice(0, isEncrypted ? 5 : 3);
  const isToken = isEncrypted ? isEncryptedToken(parts) : isSignedToken(parts);
  return isToken ? [match.index, match.index + parts.join('.').length] : null;
};

function isEncryptedToken(parts: readonly string[]): boolean {
  const [text, tag] = [parts[3] ?? '', parts[4]];
  return tag !== undefined && text.length >= SIGNATURE_MIN && isRandom(text + tag, 8);
}

function isSignedToken(parts: readonly string[]): boolean {
  const [payload, signature] = [parts[1] ?? '', parts[2] ?? ''];
  return payload.length > 1 && signature.length >= SIGNATURE_MIN && isRandom(signature, 8);
}

/** A character for each byte. The part is base64url, since that is what was matched. */
function decoded(part: string): string {
  return part.length % 4 === 1 ? '' : atob(part.replace(/-/g, '+').replace(/_/g, '/'));
}

/** Without a regular expression, which would try each of many blanks. */
function endsInBrace(header: string): boolean {
  let end = header.length;
  while (end > 0 && BLANKS.includes(header[end - 1] as string)) {
    end -= 1;
  }
  return header[end - 1] === '}';
}

export const JWT: readonly Pattern[] = [
  longWord(
    ['eyJ'],
    /eyJ(?<![A-Za-z0-9_.\x01-].{3})[A-Za-z0-9_-]{12,4000}(?:\.[A-Za-z0-9_-]{0,16000}){2,4}(?![A-Za-z0-9_\x01-])/,
    webToken,
  ),
];

// Slack ---------------------------------------------------------------------------------------------------------------

export const SLACK: readonly Pattern[] = [
  longWord(
    ['xox'],
    new RegExp(
      String.raw`xox(?<![A-Za-z0-9_\x01].{3})(?:` +
        String.raw`b-[0-9]{9,14}-(?:[0-9]{9,14}-)?[A-Za-z0-9]{18,34}` +
        String.raw`|p-(?:[0-9]{9,14}-){3}[A-Za-z0-9]{28,34}` +
        String.raw`|c-(?:[0-9]{9,14}-){3}[0-9a-f]{64}` +
        String.raw`|d-[A-Za-z0-9%/+=]{40,400}` +
        String.raw`|[aors]-(?:[0-9]{1,2}-)?[0-9]{9,14}-(?:[0-9]{9,14}-){0,2}[A-Za-z0-9]{10,64}` +
        String.raw`|e(?:\.xox[bp])?-1-[A-Za-z0-9]{60,400}` +
        String.raw`)(?![A-Za-z0-9_\x01])`,
    ),
  ),
  longWord(
    ['xapp-1-'],
    /xapp-1-(?<![A-Za-z0-9_\x01].{7})[A-Z0-9]{8,14}-[0-9]{9,16}-[a-f0-9]{64}(?![A-Za-z0-9_\x01])/,
  ),
  longWord(
    ['hooks.slack.com/'],
    new RegExp(
      String.raw`hooks\.slack\.com/(?:services/T[A-Z0-9]{8,12}/B[A-Z0-9]{8,12}/[A-Za-z0-9]{20,28}` +
        String.raw`|(?:workflows|triggers)/[A-Z0-9]{8,14}/[A-Za-z0-9]{8,24}/[A-Za-z0-9/]{16,60})(?![A-Za-z0-9_\x01])`,
    ),
  ),
];
