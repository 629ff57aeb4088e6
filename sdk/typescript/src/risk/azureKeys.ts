/** Keys of Azure, told by the mark that they carry in their middle or, if they are older, by what they are called. */

import {
  Characters,
  LETTERS_AND_DIGITS,
  longWord,
  OWNED,
  shapePattern,
  spanOf,
  type Check,
  type Pattern,
} from './pattern.ts';

const BASE64 = `${LETTERS_AND_DIGITS}+/`;
const BASE64URL = `${LETTERS_AND_DIGITS}_-`;
const ENTRA = `${LETTERS_AND_DIGITS}_.~-`;

/** How the one key begins that the storage emulator has on every machine. */
const EMULATOR = 'Eby8vdM02xNOcqFlqUwJPLlm';

/** What matched is the end of a key: so many characters of its alphabet stand before, and then something else. */
function after(count: number, alphabet: string): Check {
  const characters = new Characters(alphabet);
  const glue = new Characters(`${alphabet}=_${OWNED}`);
  return (text, match) => {
    const [markStart, end] = spanOf(match);
    const start = markStart - count;
    if (start < 0 || !characters.isAllOf(text, start, markStart)) {
      return null;
    }
    return glue.standsAt(text, start - 1) || glue.standsAt(text, end) ? null : [start, end];
  };
}

/** The key stands at the match's end. */
const namedKey: Check = (text, match) => {
  const end = match.index + match[0].length;
  const start = end - (match[1] as string).length;
  return text.startsWith(EMULATOR, start) ? null : [start, end];
};

export const AZURE: readonly Pattern[] = [
  longWord(
    ['APIM', 'ACDb', '+A'],
    /(?:APIM|ACDb|\+(?:ABa|AMC|ASt))[A-Za-z0-9+/]{5}[AQgw]==/,
    after(76, BASE64),
  ),
  longWord(['AIoT', '+A'], /(?:AIoT|\+(?:ASb|AEh|ARm))[A-P][A-Za-z0-9+/]{5}=/, after(33, BASE64)),
  longWord(['+ACR'], /\+ACR[A-D][A-Za-z0-9+/]{5}/, after(42, BASE64)),
  longWord(['AzFu'], /AzFu[A-Za-z0-9_-]{5}[AQgw]==/, after(44, BASE64URL)),
  longWord(['AzSe'], /AzSe[A-D][A-Za-z0-9]{5}/, after(42, LETTERS_AND_DIGITS)),
  longWord(['AzCa'], /AzCa[A-P][A-Za-z0-9]{5}=/, after(33, LETTERS_AND_DIGITS)),
  longWord(['JQQJ'], /JQQJ[A-Za-z0-9]{28}/, after(52, LETTERS_AND_DIGITS)),
  longWord(['7Q~'], /7Q~[A-Za-z0-9_.~-]{31}/, after(3, ENTRA)),
  longWord(['8Q~'], /8Q~[A-Za-z0-9_.~-]{34}/, after(3, ENTRA)),
  shapePattern(
    ['accountkey', 'accesskey'],
    /(?:account|sharedaccess)key["']?[ \t]{0,3}[=:\n][ \t\n"']{0,3}([a-z0+/]{86}==|[a-z0+/]{43}=)(?![a-z0+/=_\x01])/,
    namedKey,
  ),
];
