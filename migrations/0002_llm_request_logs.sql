-- One row per attempt at a provider, partitioned by calendar month (UTC) of its start. The key contains the
-- start because a partitioned table's key must; a redelivered record carries the same start, so it meets
-- its own row. Only counts, names, tags and prices are here: never a prompt, an answer or a key.

create table if not exists public.llm_request_logs (
  request_id text not null,
  attempt integer not null check (attempt >= 1),
  started_at timestamptz not null,
  tenant text not null,
  source text not null,
  outcome text not null,
  team text,
  key_id text,
  project text,
  agent text,
  session_id text,
  iteration bigint check (iteration >= 0),
  provider text,
  model text,
  path text not null,
  dialect text,
  status integer,
  is_streaming boolean not null,
  input_tokens bigint not null check (input_tokens >= 0),
  cached_input_tokens bigint not null check (cached_input_tokens >= 0),
  cache_write_5m_tokens bigint not null check (cache_write_5m_tokens >= 0),
  cache_write_1h_tokens bigint not null check (cache_write_1h_tokens >= 0),
  audio_input_tokens bigint not null check (audio_input_tokens >= 0),
  image_input_tokens bigint not null check (image_input_tokens >= 0),
  output_tokens bigint not null check (output_tokens >= 0),
  reasoning_tokens bigint not null check (reasoning_tokens >= 0),
  audio_output_tokens bigint not null check (audio_output_tokens >= 0),
  image_output_tokens bigint not null check (image_output_tokens >= 0),
  web_search_calls bigint not null check (web_search_calls >= 0),
  prompt_tokens bigint not null check (prompt_tokens >= 0),
  completion_tokens bigint not null check (completion_tokens >= 0),
  cost_nanousd bigint not null check (cost_nanousd >= 0),
  overrun_nanousd bigint not null check (overrun_nanousd >= 0),
  price_version text not null,
  ttfb_ms double precision,
  latency_ms double precision,
  overhead_ms double precision,
  error_code text,
  risks text[] not null,
  tags text[] not null,
  cumulative_tokens bigint check (cumulative_tokens >= 0),
  is_cut boolean not null,
  is_clamped boolean not null,
  is_fail_open boolean not null,
  is_estimated boolean not null,
  stored_at timestamptz not null default now(),
  primary key (request_id, attempt, started_at)
) partition by range (started_at);

comment on table public.llm_request_logs is 'Every attempt at a provider and every refused or reported call. One month (UTC) per partition.';
comment on column public.llm_request_logs.request_id is 'x-agentwatch-request-id, or the SDK''s event id.';
comment on column public.llm_request_logs.attempt is 'Ordinal of the attempt within its request, from 1.';
comment on column public.llm_request_logs.started_at is 'When the attempt began (UTC, to the millisecond). Decides the partition.';
comment on column public.llm_request_logs.tenant is 'Who pays.';
comment on column public.llm_request_logs.source is 'proxy: AgentWatch made the call. sdk: an SDK reported it.';
comment on column public.llm_request_logs.outcome is 'complete, client_disconnected, cut, upstream_truncated, refused or failed.';
comment on column public.llm_request_logs.team is 'Team of the key, or as the SDK reported it.';
comment on column public.llm_request_logs.key_id is 'Id of the AgentWatch key; never the key.';
comment on column public.llm_request_logs.project is 'Caller''s label x-agentwatch-project.';
comment on column public.llm_request_logs.agent is 'Caller''s label x-agentwatch-agent.';
comment on column public.llm_request_logs.session_id is 'Caller''s session; unique within a tenant only.';
comment on column public.llm_request_logs.iteration is 'Ordinal of the agent''s step, as the caller counts.';
comment on column public.llm_request_logs.provider is 'openai, anthropic, gemini, groq or xai; null where an SDK named none.';
comment on column public.llm_request_logs.model is 'The model that answered, else the one asked for.';
comment on column public.llm_request_logs.path is 'The provider''s path that was asked for, without its query.';
comment on column public.llm_request_logs.dialect is 'Wire format that the caller spoke.';
comment on column public.llm_request_logs.status is 'HTTP status of the provider''s answer or of the refusal; null where neither came.';
comment on column public.llm_request_logs.is_streaming is 'The caller asked for a stream.';
comment on column public.llm_request_logs.input_tokens is 'Tokens of plain input, neither cached nor written to a cache.';
comment on column public.llm_request_logs.cached_input_tokens is 'Tokens read from the provider''s prompt cache.';
comment on column public.llm_request_logs.cache_write_5m_tokens is 'Tokens written to a cache that lives 5 minutes or the provider''s default.';
comment on column public.llm_request_logs.cache_write_1h_tokens is 'Tokens written to a cache that lives an hour.';
comment on column public.llm_request_logs.audio_input_tokens is 'Tokens of audio input.';
comment on column public.llm_request_logs.image_input_tokens is 'Tokens of image input, where the provider counts them apart.';
comment on column public.llm_request_logs.output_tokens is 'Tokens of text output, tool-call arguments included.';
comment on column public.llm_request_logs.reasoning_tokens is 'Tokens of thinking, not counted in output_tokens.';
comment on column public.llm_request_logs.audio_output_tokens is 'Tokens of audio output.';
comment on column public.llm_request_logs.image_output_tokens is 'Tokens of image output.';
comment on column public.llm_request_logs.web_search_calls is 'Calls of the provider''s web search, billed per call.';
comment on column public.llm_request_logs.prompt_tokens is 'Tokens: the sum of the six input classes.';
comment on column public.llm_request_logs.completion_tokens is 'Tokens: the sum of the four output classes.';
comment on column public.llm_request_logs.cost_nanousd is 'Nano-dollars (10^-9 USD) of this attempt.';
comment on column public.llm_request_logs.overrun_nanousd is 'Nano-dollars of the cost that were above the hold.';
comment on column public.llm_request_logs.price_version is 'Version of the price table that priced the attempt.';
comment on column public.llm_request_logs.ttfb_ms is 'Milliseconds to the first byte of the answer.';
comment on column public.llm_request_logs.latency_ms is 'Milliseconds to the end of the answer.';
comment on column public.llm_request_logs.overhead_ms is 'Milliseconds that AgentWatch itself added.';
comment on column public.llm_request_logs.error_code is 'Code of the refusal or failure.';
comment on column public.llm_request_logs.risks is 'Tags of what was found in the text (PII_EMAIL, SECRET_JWT, …); never the finding.';
comment on column public.llm_request_logs.tags is 'Tags set by the tenant''s rules.';
comment on column public.llm_request_logs.cumulative_tokens is 'Tokens of the session after this call.';
comment on column public.llm_request_logs.is_cut is 'The stream was ended because its budget was.';
comment on column public.llm_request_logs.is_clamped is 'The output ceiling was lowered to what the budget could pay for.';
comment on column public.llm_request_logs.is_fail_open is 'Let through on the outage allowance, the ledger being away.';
comment on column public.llm_request_logs.is_estimated is 'Usage of our own count, or a stand-in price.';
comment on column public.llm_request_logs.stored_at is 'When the row was stored (UTC).';

create index if not exists llm_request_logs_tenant_started_at
  on public.llm_request_logs (tenant, started_at desc);
create index if not exists llm_request_logs_tenant_session
  on public.llm_request_logs (tenant, session_id, started_at) where session_id is not null;

-- Whatever fits no month is kept here, so that a missing partition never loses a record.
create table if not exists agentwatch.llm_request_logs_default
  partition of public.llm_request_logs default;

-- Row security of the parent does not cover a partition that is named directly: each one is locked itself.
alter table public.llm_request_logs enable row level security;
alter table agentwatch.llm_request_logs_default enable row level security;

revoke all on public.llm_request_logs from anon, authenticated, service_role;
grant select on public.llm_request_logs to authenticated;
grant select, insert on public.llm_request_logs to service_role;

drop policy if exists tenant_reads_own_rows on public.llm_request_logs;
create policy tenant_reads_own_rows on public.llm_request_logs
  for select to authenticated using (tenant = (select agentwatch.jwt_tenant()));
