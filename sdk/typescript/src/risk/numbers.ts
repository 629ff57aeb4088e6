/**
 * Numbers that are somebody's: cards, telephones, social security. Matched by their shape, then judged by their digits.
 *
 * A number counts only where it stands alone: not in a word, a hexadecimal run, a decimal, a version or a longer row
 * of numbers.
 */

import {
  Characters,
  DIGITS,
  LETTERS_AND_DIGITS,
  OWNED,
  shapePattern,
  spanOf,
  type Check,
  type Pattern,
  type Span,
} from './pattern.ts';

const WORD = new Characters(`${LETTERS_AND_DIGITS}_${OWNED}`);
const DIGIT = new Characters(DIGITS + OWNED);
const JOINT = new Characters('.-/:');
const NO_DIGITS = /[^0-9]/g;

/** Whether a number stands in no word, and goes on neither before nor after by a joint and another digit. */
function isApart(text: string, [start, end]: Span): boolean {
  if (WORD.standsAt(text, start - 1) || text[start - 1] === '.') {
    return false;
  }
  const goesOnBefore = JOINT.standsAt(text, start - 1) && DIGIT.standsAt(text, start - 2);
  const goesOnAfter = JOINT.standsAt(text, end) && DIGIT.standsAt(text, end + 1);
  return !goesOnBefore && !goesOnAfter && !WORD.standsAt(text, end);
}

function before(text: string, start: number, characters: number): string {
  return text.slice(Math.max(0, start - characters), start);
}

const ROW_CHARACTERS_MAX = 18;
const ROW_BEFORE = /(?:^|[\s,;|])([0-9]{1,9}(?:[.,][0-9]{1,4})?)[,;]? $/;
const ROW_AFTER = /^[,;]? ([0-9]{1,9}(?:[.,][0-9]{1,4})?)(?:$|[\s,;|])/;

/** Whether a number in groups is but a few of a row of numbers, or of a row of so many digits each. */
function isInARow(text: string, [start, end]: Span, digits: number = 0): boolean {
  const beside = [
    ROW_BEFORE.exec(before(text, start, ROW_CHARACTERS_MAX)),
    ROW_AFTER.exec(text.slice(end, end + ROW_CHARACTERS_MAX)),
  ];
  return beside.some((number) => number !== null && (digits === 0 || number[1]?.length === digits));
}

// Cards ---------------------------------------------------------------------------------------------------------------

function isCard(digits: string): boolean {
  return isOfAnIssuer(digits) && isChecked(digits);
}

/** Length and first digits. */
function isOfAnIssuer(digits: string): boolean {
  const { length } = digits;
  const four = Number(digits.slice(0, 4));
  const two = Math.floor(four / 100);
  if (digits[0] === '4') {
    return length === 13 || length === 16 || length === 19; // Visa
  }
  if ((two >= 51 && two <= 55) || (four >= 2221 && four <= 2720)) {
    return length === 16; // Mastercard
  }
  if (two === 34 || two === 37) {
    return length === 15; // American Express
  }
  if (two === 36 || two === 38 || two === 39 || (four >= 3000 && four <= 3059)) {
    return length === 14; // Diners Club
  }
  const isDiscover = four === 6011 || two === 65 || (four >= 6440 && four <= 6499);
  const isJcb = four >= 3528 && four <= 3589;
  const isUnionPay = two === 62;
  return (isDiscover || isJcb || isUnionPay) && length >= 16 && length <= 19;
}

/** Luhn's check digit. */
function isChecked(digits: string): boolean {
  let sum = 0;
  for (let fromEnd = 0; fromEnd < digits.length; fromEnd += 1) {
    const digit = digits.charCodeAt(digits.length - 1 - fromEnd) - 48;
    const counted = fromEnd % 2 === 0 ? digit : 2 * digit;
    sum += counted > 9 ? counted - 9 : counted;
  }
  return sum % 10 === 0;
}

const card: Check = (text, match) => {
  const span = spanOf(match);
  return isCard(text.slice(...span)) && isApart(text, span) ? span : null;
};

const cardInGroups: Check = (text, match) => {
  const span = spanOf(match);
  if (!isCard(text.slice(...span).replace(NO_DIGITS, '')) || !isApart(text, span)) {
    return null;
  }
  return match.groups?.['joint'] === ' ' && isInARow(text, span, 4) ? null : span;
};

export const CARD: readonly Pattern[] = [
  shapePattern(['0000000000000'], /00000000000000{0,7}/, card),
  shapePattern(
    ['0000 0000 0000 0000', '0000-0000-0000-0000', '0000 000000 0000', '0000-000000-0000'],
    /0000(?<joint>[ -])(?:0000\k<joint>0000\k<joint>0000(?:\k<joint>000(?!0))?|000000\k<joint>00000?)/,
    cardInGroups,
  ),
];

// Telephones ----------------------------------------------------------------------------------------------------------

const COUNTRY_CODE = /(?:\+?1)[ .-]?$/;
const LONE_LETTER_BEFORE = /(?:^|[^A-Za-z])[A-Za-z],? $/;
const LONE_LETTER_AFTER = /^,? ?[A-Za-z](?![A-Za-z])/;
const LONE_LETTER_CHARACTERS_MAX = 4;

/**
 * Area and exchange begin with 2 to 9. Area 555 is what people write for any, so there every exchange will do; 555-01xx
 * is fiction.
 */
function isNorthAmerican(digits: string): boolean {
  const [area, exchange, line] = [digits.slice(0, 3), digits.slice(3, 6), digits.slice(6)];
  if (area < '2' || (exchange < '2' && area !== '555')) {
    return false;
  }
  return !(exchange === '555' && line.startsWith('01')) && new Set(digits).size > 2;
}

/** With the country's code before it, if it has one. */
function withCountryCode(text: string, [start, end]: Span): Span {
  return [start - (COUNTRY_CODE.exec(before(text, start, 3))?.[0].length ?? 0), end];
}

const grouped: Check = (text, match) => {
  const bare = spanOf(match);
  if (!isNorthAmerican(text.slice(...bare).replace(NO_DIGITS, ''))) {
    return null;
  }
  const span = withCountryCode(text, bare);
  const hasNoCode = span[0] === bare[0];
  if (hasNoCode && match.groups?.['joint'] === ' ' && (isInARow(text, span) || isCoordinate(text, span))) {
    return null;
  }
  return isApart(text, span) ? span : null;
};

/** Whether a letter by itself stands before or after, as in the path of a drawing. */
function isCoordinate(text: string, [start, end]: Span): boolean {
  return (
    LONE_LETTER_BEFORE.test(before(text, start, LONE_LETTER_CHARACTERS_MAX)) ||
    LONE_LETTER_AFTER.test(text.slice(end, end + LONE_LETTER_CHARACTERS_MAX))
  );
}

const bracketed: Check = (text, match) => {
  const bare = spanOf(match);
  if (!isNorthAmerican(text.slice(...bare).replace(NO_DIGITS, ''))) {
    return null;
  }
  const span = withCountryCode(text, bare);
  return isApart(text, span) ? span : null;
};

const PARTS = /[ .()-]{1,3}/g;
const DATE = /^\+20[0-9]{6}$/;
const GLUE = new Characters(')]+/}');

const international: Check = (text, match) => {
  const span = spanOf(match);
  const number = text.slice(...span);
  const digits = number.replace(NO_DIGITS, '');
  if (digits.startsWith('0') || !isApart(text, span) || GLUE.standsAt(text, span[0] - 1)) {
    return null;
  }
  if (digits.startsWith('1')) {
    return digits.length === 11 && isNorthAmerican(digits.slice(1)) ? span : null;
  }
  const joints: readonly string[] = number.match(PARTS) ?? [];
  const isDecimal = joints.includes('.') && (joints.length === 1 || joints.includes('-'));
  return isDecimal || DATE.test(number) || new Set(digits).size <= 2 ? null : span;
};

export const PHONE: readonly Pattern[] = [
  shapePattern(['+0'], /\+0(?:[ .()-]{0,2}0){7,14}/, international),
  shapePattern(['(000)'], /\(000\)[ .-]{0,2}000[ .-]?0000/, bracketed),
  shapePattern(['000-000-0000', '000.000.0000', '000 000 0000'], /000(?<joint>[ .-])000\k<joint>0000/, grouped),
];

// Social security -----------------------------------------------------------------------------------------------------

/** Numbers that advertisements made known, and that nobody has. */
const KNOWN = new Set(['078051120', '219099999']);

function isSocialSecurity(digits: string): boolean {
  const area = digits.slice(0, 3);
  const isIssued = area !== '000' && area !== '666' && !area.startsWith('9');
  return isIssued && digits.slice(3, 5) !== '00' && digits.slice(5) !== '0000' && !KNOWN.has(digits);
}

const parted: Check = (text, match) => {
  const span = spanOf(match);
  if (!isSocialSecurity(text.slice(...span).replace(NO_DIGITS, '')) || !isApart(text, span)) {
    return null;
  }
  return match.groups?.['joint'] === ' ' && isInARow(text, span) ? null : span;
};

/** The nine digits stand at the match's end. */
const named: Check = (text, match) => {
  const end = match.index + match[0].length;
  const span: Span = [end - 9, end];
  return isSocialSecurity(text.slice(...span)) && isApart(text, span) ? span : null;
};

/**
 * Nine digits in a row are a number of anything: nine of ten pass every rule there is. They count where they are called
 * by name.
 */
export const SSN: readonly Pattern[] = [
  shapePattern(['000-00-0000', '000 00 0000'], /000(?<joint>[ -])00\k<joint>0000/, parted),
  shapePattern(['ssn', 'social sec', 'social_sec'], /s(?:sn|ocial[ _]sec)[^0\x01]{0,40}000000000/, named),
];
