/**
 * What a request's body says of the call, as numbers and names; and the few things that may be changed in it.
 *
 * The rule easy to break: the body is the user's object. What is changed is changed on a copy, and only at the top.
 */

import type { CallFacts, Dialect } from '../calls.ts';

export type Body = Readonly<Record<string, unknown>>;

/** Types of parts that hold a picture, in any dialect. */
const IMAGES = new Set(['image', 'image_url', 'input_image']);
/** Types of parts whose tokens nobody can tell from their bytes. */
const UNSIZED = new Set([
  'input_audio',
  'input_file',
  'file',
  'document',
  'video',
  'video_url',
  'item_reference',
  'container_upload',
]);
/** Members that name what stands elsewhere: an earlier answer, a stored prompt. */
const ELSEWHERE = ['previous_response_id', 'conversation', 'prompt', 'container'];
/** Values that hold media as text. */
const MEDIA_MEMBERS = new Set(['data', 'url', 'image_url', 'file_data', 'file_url', 'source', 'input_audio']);

/** Only where a media member has it: text that begins like one is read, and billed, as text. */
const DATA_URL = /^data:[\w.+/-]*[;,]/;

/** OpenAI's tools that the caller runs, or that only pick among those of the request. */
const CALLERS_OWN = new Set([
  'function',
  'custom',
  'namespace',
  'tool_search',
  'local_shell',
  'apply_patch',
  'computer',
  'computer_use_preview',
]);
const ANTHROPIC_CALLERS_OWN = /^(?:bash_|text_editor_|computer_|memory_|browser_toolset_|tool_search_tool_)/;

const CEILINGS: Readonly<Record<Dialect, readonly string[]>> = {
  openai_chat: ['max_completion_tokens', 'max_tokens'],
  openai_completions: ['max_tokens'],
  openai_responses: ['max_output_tokens'],
  openai_embeddings: [],
  anthropic_messages: ['max_tokens'],
};

/** `body` null: something that is no plain object, of which nothing but its presence is known. */
export function factsOf(
  body: Body | null,
  known: {
    readonly provider: string | null;
    readonly dialect: Dialect;
    readonly path: string;
    readonly isStreaming: boolean;
    readonly risks: readonly string[];
  },
): CallFacts {
  const size = sizeOf(body);
  return {
    ...known,
    model: typeof body?.['model'] === 'string' ? body['model'] : '',
    inputBytes: size.bytes,
    images: size.images,
    hasUnsizedInput: body === null || size.isUnsized || isElsewhere(body, known.dialect),
    outputTokensMax: body === null ? null : ceilingOf(body, known.dialect),
    choices: body === null ? 1 : choicesOf(body, known.dialect),
    providerTools: body === null ? [] : providerToolsOf(body, known.dialect),
    webSearchCallsMax: body === null ? null : searchesOf(body, known.dialect),
  };
}

/** The body as an object, also where it was given as text; null where it is neither. */
export function bodyOf(value: unknown): Body | null {
  if (isObject(value)) return isPlain(value) ? value : null;
  if (typeof value !== 'string') return null;
  try {
    const read: unknown = JSON.parse(value);
    return isObject(read) ? read : null;
  } catch {
    return null;
  }
}

/** The same request with a lower ceiling. Text stays text. */
export function withCeiling(
  value: unknown,
  dialect: Dialect,
  outputTokensMax: number,
  provider: string | null,
): unknown {
  const body = bodyOf(value);
  const [first, ...others] = CEILINGS[dialect];
  if (body === null || first === undefined) return value;
  const given = [first, ...others].find((name) => typeof body[name] === 'number');
  const untold = dialect === 'openai_chat' && provider !== 'openai' ? 'max_tokens' : first;
  const name = given ?? untold;
  if (typeof body[name] === 'number' && body[name] <= outputTokensMax) return value;
  return likeBefore(value, { ...body, [name]: outputTokensMax });
}

/** The same request, asking for usage at the stream's end; null where the user has said what is wanted of it. */
export function withIncludedUsage(value: unknown): unknown {
  const body = bodyOf(value);
  if (body === null || body['stream_options'] != null) return null;
  return likeBefore(value, { ...body, stream_options: { include_usage: true } });
}

function likeBefore(value: unknown, body: Body): unknown {
  return typeof value === 'string' ? JSON.stringify(body) : body;
}

function ceilingOf(body: Body, dialect: Dialect): number | null {
  for (const name of CEILINGS[dialect]) {
    const value = body[name];
    if (typeof value === 'number' && Number.isFinite(value) && value > 0) return Math.floor(value);
  }
  return null;
}

/** How many answers are paid for: of completions, for each prompt. */
function choicesOf(body: Body, dialect: Dialect): number {
  if (dialect !== 'openai_chat' && dialect !== 'openai_completions') return 1;
  const asked = Math.max(whole(body['n']), dialect === 'openai_completions' ? whole(body['best_of']) : 1);
  const prompt = body['prompt'];
  const isManyPrompts = dialect === 'openai_completions' && Array.isArray(prompt) && typeof prompt[0] !== 'number';
  return asked * (isManyPrompts ? Math.max(1, prompt.length) : 1);
}

function whole(value: unknown): number {
  return typeof value === 'number' && value >= 1 ? Math.floor(value) : 1;
}

function providerToolsOf(body: Body, dialect: Dialect): readonly string[] {
  const tools = Array.isArray(body['tools']) ? body['tools'].filter(isObject) : [];
  const types = tools.map((tool) => tool['type']).filter((type): type is string => typeof type === 'string');
  const isOwn = (type: string): boolean =>
    dialect === 'anthropic_messages' ? type === 'custom' || ANTHROPIC_CALLERS_OWN.test(type) : CALLERS_OWN.has(type);
  const found = types.filter((type) => !isOwn(type));
  if (body['web_search_options'] != null) found.push('web_search');
  if (Array.isArray(body['mcp_servers']) && body['mcp_servers'].length > 0) found.push('mcp');
  return [...new Set(found)];
}

/** How often the provider may search, where the request bounds that. */
function searchesOf(body: Body, dialect: Dialect): number | null {
  const tools = Array.isArray(body['tools']) ? body['tools'].filter(isObject) : [];
  const searching = tools.filter((tool) => String(tool['type']).startsWith('web_search'));
  const bounds: Partial<Record<Dialect, readonly unknown[]>> = {
    openai_responses: [body['max_tool_calls']],
    anthropic_messages: searching.map((tool) => tool['max_uses']),
  };
  const asked = bounds[dialect] ?? [];
  const known = asked.filter((each): each is number => Number.isInteger(each) && (each as number) > 0);
  return known.length > 0 && known.length === asked.length ? known.reduce((sum, each) => sum + each, 0) : null;
}

function isElsewhere(body: Body, dialect: Dialect): boolean {
  return ELSEWHERE.some((name) => body[name] != null && !(name === 'prompt' && dialect === 'openai_completions'));
}

interface Size {
  readonly bytes: number;
  readonly images: number;
  readonly isUnsized: boolean;
}

/** Media is counted and left out. What JSON cannot say is left to the SDK, which will say so itself. */
function sizeOf(body: Body | null): Size {
  if (body === null) return { bytes: 0, images: 0, isUnsized: true };
  let images = 0;
  let isUnsized = false;
  const withoutMedia = function (this: unknown, name: string, value: unknown): unknown {
    const kind = isObject(this) ? this['type'] : undefined;
    const isText = isObject(this) && isTextSource(this['source']);
    if (typeof kind === 'string' && MEDIA_MEMBERS.has(name) && !isText && (IMAGES.has(kind) || UNSIZED.has(kind)))
      return '';
    if (kind !== 'text' && MEDIA_MEMBERS.has(name) && typeof value === 'string' && DATA_URL.test(value)) return '';
    if (!isObject(value)) return value;
    if (IMAGES.has(String(value['type']))) images += 1;
    if (UNSIZED.has(String(value['type'])) && !isTextSource(value['source'])) isUnsized = true;
    return value;
  };
  try {
    const text = JSON.stringify(body, withoutMedia);
    return { bytes: utf8BytesOf(text), images, isUnsized };
  } catch {
    return { bytes: 0, images, isUnsized: true };
  }
}

/** Anthropic's documents may hold plain text, or parts of their own. */
function isTextSource(source: unknown): boolean {
  return isObject(source) && (source['type'] === 'text' || source['type'] === 'content');
}

export function utf8BytesOf(text: string): number {
  let bytes = text.length;
  for (let index = 0; index < text.length; index += 1) {
    const unit = text.charCodeAt(index);
    if (unit < 0x80) continue;
    bytes += unit < 0x800 || (unit >= 0xd800 && unit <= 0xdfff) ? 1 : 2; // a surrogate pair: 4 bytes for 2 units
  }
  return bytes;
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Not a form, a buffer, a stream or a blob, which the SDKs send as they are. */
function isPlain(value: object): boolean {
  return !(
    ArrayBuffer.isView(value) ||
    value instanceof ArrayBuffer ||
    (typeof Blob === 'function' && value instanceof Blob) ||
    (typeof FormData === 'function' && value instanceof FormData) ||
    (typeof URLSearchParams === 'function' && value instanceof URLSearchParams) ||
    (typeof ReadableStream === 'function' && value instanceof ReadableStream) ||
    Symbol.asyncIterator in value ||
    Symbol.iterator in value
  );
}
