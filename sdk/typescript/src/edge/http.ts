/**
 * One question over the network: the runtime's `fetch`, within a time that also bounds reading the answer.
 *
 * It never throws. The rules easy to break: each answer's body is read or cancelled, since a pool waits for it; each
 * question has an `AbortController` of its own, so that no signal gathers listeners; and nothing is asked with
 * `keepalive`, which has 64 KiB for all that is on its way. A redirect is an answer, so the token goes to one address.
 */

import type { Heard, Question, Unheard } from '../protocol/question.ts';

export const ANSWER_BYTES_MAX = 1_000_000;

/** Nothing was sent when these happened; any other failure may come after the question was read. */
const UNSENT = /^(ECONNREFUSED|ConnectionRefused|ENOTFOUND|EAI_AGAIN|E(HOST|NET)UNREACH|UND_ERR_CONNECT_TIMEOUT)$/;
const UNTRUSTED = /CERT|SELF_SIGNED|UNABLE_TO|^ERR_(TLS|SSL)/;

/** Every question of one base URL and token. */
export class Edge {
  readonly #baseURL: string;
  readonly #authorization: string;
  /** The runtime's as it was at the first question: what patches it later sees no token of ours. */
  #fetch: typeof fetch | null = null;

  constructor(baseURL: string, apiKey: string) {
    this.#baseURL = baseURL;
    this.#authorization = `Bearer ${apiKey}`;
  }

  async ask(question: Question, timeoutSeconds: number): Promise<Heard> {
    const controller = new AbortController();
    const timer: unknown = setTimeout(() => controller.abort(), timeoutSeconds * 1_000);
    unref(timer);
    try {
      return await this.#answer(question, controller.signal);
    } catch (error) {
      return controller.signal.aborted ? { kind: 'unheard', reason: 'time-out', isSent: true } : unheard(error);
    } finally {
      clearTimeout(timer as number);
    }
  }

  async #answer(question: Question, signal: AbortSignal): Promise<Heard> {
    const send = (this.#fetch ??= globalThis.fetch);
    const headers = { authorization: this.#authorization, accept: 'application/json', ...question.headers };
    const init: RequestInit = { method: question.method, headers, signal, redirect: 'manual' };
    if (question.body !== undefined) init.body = question.body;
    const response = await send(this.#baseURL + question.path, init);
    const text = await textOf(response);
    if (text === null) return { kind: 'unheard', reason: 'the answer is too long', isSent: true };
    return { kind: 'answer', status: response.status, headers: headersOf(response), text };
  }
}

/** A timer that keeps no process alive, where the runtime can say that. */
export function unref(timer: unknown): void {
  (timer as { unref?: () => void }).unref?.();
}

function headersOf(response: Response): Map<string, string> {
  const headers = new Map<string, string>();
  response.headers.forEach((value, name) => headers.set(name, value));
  return headers;
}

/** null where it is longer than any answer of AgentWatch's. */
async function textOf(response: Response): Promise<string | null> {
  if (response.body === null) return '';
  const reader = response.body.getReader();
  const decoder = new TextDecoder();
  let text = '';
  let bytes = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return text + decoder.decode();
    bytes += value.byteLength;
    if (bytes > ANSWER_BYTES_MAX) {
      await reader.cancel();
      return null;
    }
    text += decoder.decode(value, { stream: true });
  }
}

/** For people, and without a word that the other end said. */
function unheard(error: unknown): Unheard {
  const code = codeOf((error as { cause?: unknown } | null)?.cause) ?? codeOf(error);
  const name = error instanceof Error ? error.name : typeof error;
  const isSent = code === null || !(UNSENT.test(code) || UNTRUSTED.test(code));
  const reason = code !== null && UNTRUSTED.test(code) ? `its certificate is not trusted (${code})` : (code ?? name);
  return { kind: 'unheard', reason, isSent };
}

function codeOf(error: unknown): string | null {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' ? code : null;
}
