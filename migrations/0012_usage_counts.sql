-- More of what providers count and state: cached audio, document searches, and a provider's own exact bill.

alter table public.llm_request_logs
  add column if not exists cached_audio_input_tokens bigint not null default 0
    check (cached_audio_input_tokens >= 0),
  add column if not exists document_search_calls bigint not null default 0 check (document_search_calls >= 0),
  add column if not exists billed_nanousd bigint check (billed_nanousd >= 0);

comment on column public.llm_request_logs.cached_audio_input_tokens is
  'Tokens of audio input read from the provider''s prompt cache.';
comment on column public.llm_request_logs.document_search_calls is
  'Searches of attached or stored documents that the provider bills by the call.';
comment on column public.llm_request_logs.billed_nanousd is
  'Nano-dollars of the provider''s own exact bill, where its answer states one; the cost is then this.';
