/** One question to AgentWatch, and what was heard, as values. How they travel is `edge`'s matter. */

export interface Question {
  readonly method: 'GET' | 'POST';
  /** From `/v1` on, with its query. */
  readonly path: string;
  readonly body?: string | Uint8Array<ArrayBuffer>;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Answer {
  readonly kind: 'answer';
  readonly status: number;
  /** Lower-case names. */
  readonly headers: ReadonlyMap<string, string>;
  readonly text: string;
}

/** No answer came. `reason` is for people, and tells neither token nor text. */
export interface Unheard {
  readonly kind: 'unheard';
  readonly reason: string;
  /** AgentWatch may have read the question, and may have done what it asks. */
  readonly isSent: boolean;
}

export type Heard = Answer | Unheard;

/** The answer as JSON, undefined where it is none. */
export function documentOf(answer: Answer): unknown {
  try {
    return JSON.parse(answer.text) as unknown;
  } catch {
    return undefined;
  }
}

export const JSON_HEADERS = { 'content-type': 'application/json' } as const;
