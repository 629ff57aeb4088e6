-- The price table that every recorded cost was computed with, all its versions, filled by
-- tools/load_prices.py. One row per model, period, service tier and prompt size from which its rates apply.

create table if not exists public.model_pricing (
  price_version text not null,
  provider text not null,
  model text not null,
  effective_from timestamptz not null,
  service_tier text not null,
  above_prompt_tokens bigint not null check (above_prompt_tokens >= 0),
  input_tokens_max bigint,
  output_tokens_max bigint,
  input_nanousd_per_mtok bigint not null check (input_nanousd_per_mtok >= 0),
  cached_input_nanousd_per_mtok bigint not null check (cached_input_nanousd_per_mtok >= 0),
  cache_write_5m_nanousd_per_mtok bigint not null check (cache_write_5m_nanousd_per_mtok >= 0),
  cache_write_1h_nanousd_per_mtok bigint not null check (cache_write_1h_nanousd_per_mtok >= 0),
  audio_input_nanousd_per_mtok bigint not null check (audio_input_nanousd_per_mtok >= 0),
  image_input_nanousd_per_mtok bigint not null check (image_input_nanousd_per_mtok >= 0),
  output_nanousd_per_mtok bigint not null check (output_nanousd_per_mtok >= 0),
  reasoning_nanousd_per_mtok bigint not null check (reasoning_nanousd_per_mtok >= 0),
  audio_output_nanousd_per_mtok bigint not null check (audio_output_nanousd_per_mtok >= 0),
  image_output_nanousd_per_mtok bigint not null check (image_output_nanousd_per_mtok >= 0),
  web_search_nanousd_per_call bigint not null check (web_search_nanousd_per_call >= 0),
  primary key (price_version, provider, model, effective_from, service_tier, above_prompt_tokens)
);
comment on table public.model_pricing is 'Rates by table version, model, period, service tier and prompt size.';
comment on column public.model_pricing.price_version is 'Version of the price table, as in llm_request_logs.';
comment on column public.model_pricing.provider is 'openai, anthropic, gemini, groq or xai.';
comment on column public.model_pricing.model is 'The name listed; calls may name one version of it.';
comment on column public.model_pricing.effective_from is 'When the period begins (UTC); 1970 for the first.';
comment on column public.model_pricing.service_tier is 'standard, batch, flex, priority, ….';
comment on column public.model_pricing.above_prompt_tokens is 'Tokens: the rates apply to calls whose prompt is larger.';
comment on column public.model_pricing.input_tokens_max is 'Tokens the model reads at most; null where unknown.';
comment on column public.model_pricing.output_tokens_max is 'Tokens the model generates at most; null where unknown.';
comment on column public.model_pricing.input_nanousd_per_mtok is 'Nano-dollars per million tokens of plain input.';
comment on column public.model_pricing.cached_input_nanousd_per_mtok is 'Nano-dollars per million tokens read from the prompt cache.';
comment on column public.model_pricing.cache_write_5m_nanousd_per_mtok is 'Nano-dollars per million tokens written to a five-minute cache.';
comment on column public.model_pricing.cache_write_1h_nanousd_per_mtok is 'Nano-dollars per million tokens written to a one-hour cache.';
comment on column public.model_pricing.audio_input_nanousd_per_mtok is 'Nano-dollars per million tokens of audio input.';
comment on column public.model_pricing.image_input_nanousd_per_mtok is 'Nano-dollars per million tokens of image input.';
comment on column public.model_pricing.output_nanousd_per_mtok is 'Nano-dollars per million tokens of text output.';
comment on column public.model_pricing.reasoning_nanousd_per_mtok is 'Nano-dollars per million tokens of thinking.';
comment on column public.model_pricing.audio_output_nanousd_per_mtok is 'Nano-dollars per million tokens of audio output.';
comment on column public.model_pricing.image_output_nanousd_per_mtok is 'Nano-dollars per million tokens of image output.';
comment on column public.model_pricing.web_search_nanousd_per_call is 'Nano-dollars per web search.';

alter table public.model_pricing enable row level security;
revoke all on public.model_pricing from anon, authenticated, service_role;
grant select on public.model_pricing to authenticated;
grant select, insert on public.model_pricing to service_role;

-- List prices belong to no tenant: whoever is signed in may read them.
drop policy if exists signed_in_reads_prices on public.model_pricing;
create policy signed_in_reads_prices on public.model_pricing
  for select to authenticated using (true);
