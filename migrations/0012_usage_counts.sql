-- More of what providers count and state: cached audio, video, document searches, the longest of several prompts, and a
-- provider's own exact bill.

alter table public.llm_request_logs
  add column if not exists cached_audio_input_tokens bigint not null default 0
    check (cached_audio_input_tokens >= 0),
  add column if not exists video_input_tokens bigint not null default 0 check (video_input_tokens >= 0),
  add column if not exists document_search_calls bigint not null default 0 check (document_search_calls >= 0),
  add column if not exists billed_nanousd bigint check (billed_nanousd >= 0),
  add column if not exists longest_prompt_tokens bigint check (longest_prompt_tokens >= 0);

comment on column public.llm_request_logs.cached_audio_input_tokens is
  'Tokens of audio input read from the provider''s prompt cache.';
comment on column public.llm_request_logs.document_search_calls is
  'Searches of attached or stored documents that the provider bills by the call.';
comment on column public.llm_request_logs.billed_nanousd is
  'Nano-dollars of the provider''s own exact bill, where its answer states one; the cost is then this.';
comment on column public.llm_request_logs.video_input_tokens is 'Tokens of the pictures of a video.';
comment on column public.llm_request_logs.longest_prompt_tokens is
  'Tokens of the longest prompt among the model''s turns that these counts sum up, where the provider tells them apart.';
