/**
 * What a request to a path costs: metered in a dialect, free, or costly and not metered.
 *
 * The rule easy to break: a path nobody has looked at yet counts as costly, never as free. A test walks both SDKs and
 * fails where they know a path that is not here.
 */

import type { Dialect } from '../calls.ts';

export type PathKind = 'metered' | 'free' | 'unmetered' | 'unknown';

const METERED: Readonly<Record<string, Dialect>> = {
  'chat/completions': 'openai_chat',
  responses: 'openai_responses',
  completions: 'openai_completions',
  embeddings: 'openai_embeddings',
  messages: 'anthropic_messages',
};

/** `*` stands for one segment, `**` for all that follow. Nothing of these makes a model work or is billed by itself. */
const FREE = [
  'chat/completions/*',
  'responses/*/cancel',
  'responses/input_tokens',
  'messages/count_tokens',
  'messages/batches/*/cancel',
  'moderations',
  'conversations',
  'conversations/**',
  'files',
  'uploads',
  'uploads/**',
  'batches/*/cancel',
  'organization/**',
  'organizations/**',
  'projects/**',
  'evals',
  'evals/*',
  'evals/*/runs/*',
  'evals/*/runs/*/cancel',
  'fine_tuning/checkpoints/**',
  'fine_tuning/alpha/graders/validate',
  'fine_tuning/jobs/*/cancel',
  'fine_tuning/jobs/*/pause',
  'skills',
  'skills/**',
  'vaults',
  'vaults/**',
  'webhook_endpoints',
  'webhook_endpoints/**',
  'content_provenance_checks',
  'compliance/**',
  'user_profiles',
  'user_profiles/**',
  'tunnels',
  'tunnels/**',
  'memory_stores',
  'memory_stores/**',
  'assistants',
  'assistants/*',
  'threads',
  'threads/*',
  'threads/*/messages',
  'threads/*/messages/*',
  'threads/*/runs/*',
  'threads/*/runs/*/cancel',
  'chatkit/sessions/*/cancel',
  'realtime/calls/*/hangup',
  'realtime/calls/*/reject',
  'live/sessions/*/hangup',
  'live/sessions/*/reject',
  'dreams/*/archive',
  'dreams/*/cancel',
  'audio/voice_consents',
  'audio/voice_consents/*',
];

/** A model works, a container runs, or storage is billed, and no answer says how much in a way that is read here. */
const UNMETERED = [
  'responses/compact',
  'complete',
  'messages/batches',
  'batches',
  'images/**',
  'videos',
  'videos/**',
  'audio/speech',
  'audio/transcriptions',
  'audio/translations',
  'audio/voices',
  'realtime/**',
  'live/**',
  'containers',
  'containers/**',
  'vector_stores',
  'vector_stores/**',
  'fine_tuning/jobs',
  'fine_tuning/jobs/*/resume',
  'fine_tuning/alpha/graders/run',
  'evals/*/runs',
  'threads/runs',
  'threads/*/runs',
  'threads/*/runs/*/submit_tool_outputs',
  'chatkit/sessions',
  'agents',
  'agents/**',
  'sessions',
  'sessions/**',
  'deployments',
  'deployments/**',
  'dreams',
  'environments',
  'environments/**',
  'decisions',
];

const FREE_PATTERNS = FREE.map(pattern);
const UNMETERED_PATTERNS = UNMETERED.map(pattern);

/** Below the provider's root: neither slashes around it, nor the version, nor a query. */
export function barePath(path: string): string {
  const withoutOrigin = path.replace(/^https?:\/\/[^/]*/i, '');
  const [withoutQuery = ''] = withoutOrigin.split(/[?#]/, 1);
  return withoutQuery.replace(/^\/+|\/+$/g, '').replace(/^(?:openai\/)?v1(?:beta\/openai)?\//, '');
}

/** In which dialect a bare path is metered; null where it is not. */
export function dialectOf(bare: string): Dialect | null {
  return Object.hasOwn(METERED, bare) ? (METERED[bare] ?? null) : null;
}

/** Reading and deleting cost nothing. */
export function kindOf(method: string, bare: string): PathKind {
  if (!/^(?:post|put|patch)$/i.test(method)) return 'free';
  if (dialectOf(bare) !== null) return 'metered';
  if (FREE_PATTERNS.some((each) => each.test(bare))) return 'free';
  return UNMETERED_PATTERNS.some((each) => each.test(bare)) ? 'unmetered' : 'unknown';
}

/** The answer that a path is about: `responses/resp_1`, `responses/resp_1/cancel`. */
export function backgroundIdOf(bare: string): string | null {
  return /^responses\/([^/]+)(?:\/cancel)?$/.exec(bare)?.[1] ?? null;
}

function pattern(path: string): RegExp {
  const parts = path.split('**').map((part) => part.replaceAll('*', '[^/]+'));
  return new RegExp(`^${parts.join('.+')}$`);
}
