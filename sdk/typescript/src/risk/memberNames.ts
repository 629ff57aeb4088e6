/**
 * What the name of a member says of its value: which strings of a request or an answer a model reads as text.
 *
 * No dialect's schema is known here. Every string is text but those whose name, in any spelling, says that they are an
 * id, a choice, an address or media. Where a caller's own JSON stands (what a tool is called with, what it answered, a
 * schema) names say nothing; they are read for what they tell of the value after them.
 *
 * The rule easy to break: AgentWatch and its Python SDK leave out the same; shared vectors hold all to each other.
 */

const LEFT_OUT = [
  // ids
  'id toolcallid tooluseid callid itemid responseid previousresponseid conversation conversationid fileid fileids',
  'container containerid vectorstoreids filesearchstorenames cachedcontent promptcachekey safetyidentifier user',
  'metadata approvalrequestid',
  // choices
  'model role type name status object servicetier mimetype mediatype stop stopsequences toolchoice cachecontrol',
  'logitbias include modalities responsemodalities',
  // addresses, and what opens them
  'url uri imageurl videourl audiourl documenturl fileurl fileuri serverurl serverlabel authorization',
  'authorizationtoken headers env',
  // what only the provider reads
  'signature thoughtsignature encryptedcontent encryptedindex encryptedstdout',
  // media
  'filedata b64json',
  // tokens one by one, of what is text elsewhere in the answer
  'logprobs toplogprobs',
];
const OWN_DATA = [
  'args arguments response parameters parametersjsonschema schema inputschema inputexamples outputschema',
  'responseschema responsejsonschema variables',
];

/**
 * What a list or object is: walked as the dialect's, the caller's own data, or left out. A name may mean more: what is
 * media unless it is text, what a tool is called with, what a provider thought and signed.
 */
export type Meaning = 'walked' | 'own' | 'out' | 'media' | 'input' | 'signed';

const MEANINGS: ReadonlyMap<string, Meaning> = new Map<string, Meaning>([
  ...named(LEFT_OUT, 'out'),
  ...named(OWN_DATA, 'own'),
  ['data', 'media'],
  ['result', 'media'],
  ['input', 'input'],
  ['thinking', 'signed'],
]);

function named(lines: readonly string[], meaning: Meaning): Array<[string, Meaning]> {
  return lines.flatMap((line) => line.split(' ')).map((name) => [name, meaning]);
}

/** As much of a name is looked at. */
export const NAME_CHARACTERS_MAX = 60;

/** A string of so much base64 and nothing else is media, whatever its name. The longest key in one line is shorter. */
export const BASE64_CHARACTERS_MIN = 4_096;

const TELLING = /ssn|social|access_?key|account_?key/i;

/** Small letters that are others in disguise, as the most lenient reader of JSON compares names. */
const FOLDED = /[\u017f\u00df\ufb00-\ufb06]/g;

export function meaningOf(name: string): Meaning {
  const plain = name.replaceAll('_', '').toLowerCase();
  return MEANINGS.get(plain.replace(FOLDED, (letter) => letter.toUpperCase().toLowerCase())) ?? 'walked';
}

/** Whether a member of a caller's own is called by what its value is. */
export function tells(name: string): boolean {
  return TELLING.test(name);
}

/**
 * What a list or object is that stands in such a container. `input` at the top is all of a request; deeper it is a
 * tool's.
 */
export function inside(container: Meaning, meaning: Meaning, isObject: boolean, isAtTop: boolean): Meaning {
  if (container !== 'walked') {
    return container;
  }
  if (meaning === 'own' || meaning === 'out') {
    return meaning;
  }
  return meaning === 'input' && isObject && !isAtTop ? 'own' : 'walked';
}

// JSON in a string ----------------------------------------------------------------------------------------------------

const ESCAPE = /\\(?:u([0-9a-fA-F]{4})|([\\/nrtbf]))/g;

/** An escaped quote stays as it is: either way it is part of nothing. */
const LETTERS: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', b: ' ', f: ' ' };

/** JSON without its own escapes, once; any other text as it is. */
export function unescaped(text: string): string {
  return text.includes('\\') && isLikeJson(text) ? text.replace(ESCAPE, character) : text;
}

function character(_escape: string, code: string | undefined, letter: string | undefined): string {
  if (code !== undefined) {
    const number = Number.parseInt(code, 16);
    return number >= 0xd800 && number < 0xe000 ? '?' : String.fromCharCode(number);
  }
  return LETTERS[letter ?? ''] ?? letter ?? '';
}

/** Whether it may be an object or a list. */
function isLikeJson(text: string): boolean {
  let [start, end] = [0, text.length];
  while (start < end && isBlank(text.charCodeAt(start))) {
    start += 1;
  }
  while (end > start && isBlank(text.charCodeAt(end - 1))) {
    end -= 1;
  }
  const ends = end - start > 1 ? `${text[start]}${text[end - 1]}` : '';
  return ends === '{}' || ends === '[]';
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09 || code === 0x0a || code === 0x0d;
}
