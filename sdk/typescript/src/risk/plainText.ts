/**
 * A text as the patterns see it: plain ASCII, a character for each of its own, and the way back to where it has it.
 *
 * Three things hide a value from a pattern and not from a model: characters without width, full-width forms and blanks
 * or hyphens of another kind. The first are dropped, the others become what they look like; anything else beyond ASCII
 * is a question mark, which no pattern takes for part of a value. Look-alikes of other alphabets stay what they are.
 *
 * The rule easy to break: offsets count code points, as everywhere in AgentWatch, and not UTF-16 units.
 */

const BEYOND_ASCII = /[^\x00-\x7f]/;

/** Without one of these, full-width forms are the punctuation of a language that has no other. */
const TELLING = /[\u00a0\u2007\u2009\u202f\u2010\u2011\u2212\uff10-\uff19\uff20-\uff3a\uff41-\uff5a]/;

const DECODER = new TextDecoder();
const DROPPED = 0xff;
const QUESTION_MARK = 0x3f;

/** What becomes of each unit of UTF-16, where forms are punctuation and where they may be part of a value. */
const WITHOUT_FORMS = withoutForms();
const WITH_FORMS = withForms();

function withoutForms(): Uint8Array {
  const plainOf = new Uint8Array(0x1_0000).fill(QUESTION_MARK);
  for (let code = 0; code < 0x80; code += 1) {
    plainOf[code] = code;
  }
  for (const invisible of [0x00ad, 0x200b, 0x200c, 0x200d, 0x2060, 0xfeff]) {
    plainOf[invisible] = DROPPED;
  }
  return plainOf;
}

function withForms(): Uint8Array {
  const plainOf = withoutForms();
  for (let code = 0xff01; code <= 0xff5e; code += 1) {
    plainOf[code] = code - 0xfee0;
  }
  for (const blank of [0x00a0, 0x2007, 0x2009, 0x202f, 0x3000]) {
    plainOf[blank] = 0x20;
  }
  for (const hyphen of [0x2010, 0x2011, 0x2212]) {
    plainOf[hyphen] = 0x2d;
  }
  return plainOf;
}

export interface PlainText {
  readonly text: string;
  /** For each character that was dropped, how many of those that were kept stand before it. */
  readonly dropped: readonly number[];
}

export function plain(text: string): PlainText {
  if (!BEYOND_ASCII.test(text)) {
    return { text, dropped: [] };
  }
  const plainOf = TELLING.test(text) ? WITH_FORMS : WITHOUT_FORMS;
  const bytes = new Uint8Array(text.length);
  const dropped: number[] = [];
  let kept = 0;
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    const seen = plainOf[code] as number;
    if (seen === DROPPED) {
      dropped.push(kept);
      continue;
    }
    bytes[kept] = seen;
    kept += 1;
    index += isPair(code, text.charCodeAt(index + 1)) ? 1 : 0;
  }
  return { text: DECODER.decode(bytes.subarray(0, kept)), dropped };
}

/** Whether two units are one code point. */
export function isPair(first: number, second: number): boolean {
  return first >= 0xd800 && first < 0xdc00 && second >= 0xdc00 && second < 0xe000;
}

/** Where the text has what stands here. */
export function placeOf(seen: PlainText, start: number, end: number): readonly [start: number, end: number] {
  const { dropped } = seen;
  return dropped.length === 0 ? [start, end] : [start + upTo(dropped, start), end + upTo(dropped, end - 1)];
}

/** How many of these ascending numbers are at most so much. */
function upTo(ascending: readonly number[], limit: number): number {
  let [low, high] = [0, ascending.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((ascending[middle] as number) <= limit) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}
