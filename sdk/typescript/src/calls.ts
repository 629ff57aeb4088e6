/**
 * One logical call as values: what is known of it before it is sent, and how it ended.
 *
 * Numbers and names only: no text of a prompt or an answer is in here, so none can be sent, logged or kept.
 */

export type Dialect =
  | 'openai_chat'
  | 'openai_responses'
  | 'openai_completions'
  | 'openai_embeddings'
  | 'anthropic_messages';

/** As the records have it: a stream that its user leaves is `client_disconnected`, an error of the provider `failed`. */
export type Outcome = 'complete' | 'client_disconnected' | 'failed';

/** What a request says of the call, read once, before anything is sent. */
export interface CallFacts {
  /** By the client's base URL: openai, anthropic, gemini, groq, xai; null where the address tells none. */
  readonly provider: string | null;
  readonly dialect: Dialect;
  /** Below the provider's root: `chat/completions`. */
  readonly path: string;
  readonly model: string;
  readonly isStreaming: boolean;
  /** UTF-8 bytes of the request as JSON, media left out. */
  readonly inputBytes: number;
  readonly images: number;
  /** Files, sound, film, or something that is not in the request: an earlier answer, a stored prompt. */
  readonly hasUnsizedInput: boolean;
  /** The ceiling that the caller set. */
  readonly outputTokensMax: number | null;
  readonly choices: number;
  /** Types of tools that the provider would run. */
  readonly providerTools: readonly string[];
  /** The request's own bound on what the provider may search; null where it sets none. */
  readonly webSearchCallsMax: number | null;
  readonly risks: readonly string[];
}

/**
 * Counts as `POST /v1/ingest` takes them: `prompt_tokens` and `completion_tokens` are everything that was sent and
 * generated, the others what part of that has a rate of its own.
 */
export interface Usage {
  readonly prompt_tokens: number;
  readonly completion_tokens: number;
  readonly cached_input_tokens?: number;
  readonly cache_write_5m_tokens?: number;
  readonly cache_write_1h_tokens?: number;
  readonly audio_input_tokens?: number;
  readonly cached_audio_input_tokens?: number;
  readonly image_input_tokens?: number;
  readonly reasoning_tokens?: number;
  readonly audio_output_tokens?: number;
  readonly image_output_tokens?: number;
  /** Searches that the provider ran and bills by the call. */
  readonly web_search_calls?: number;
}

/** How a call ended. */
export interface CallEnd {
  readonly outcome: Outcome;
  /** null: nothing was billed, as far as is known. */
  readonly usage: Usage | null;
  /** The provider did not say, so the counts are the SDK's. */
  readonly isEstimated: boolean;
  /** That the answer names; null where there was none. */
  readonly model: string | null;
  readonly status: number | null;
  readonly errorCode: string | null;
  readonly ttfbMs: number | null;
  readonly attempts: number;
  /** Found in the answer. */
  readonly risks: readonly string[];
}
