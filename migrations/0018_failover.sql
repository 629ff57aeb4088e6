-- Which provider served a call in the place of another, and why.

alter table public.llm_request_logs
  add column if not exists failover_reason text,
  add column if not exists skipped_hops text[] not null default '{}';

comment on column public.llm_request_logs.asked_model is
  'The model that the caller asked for, where a rule or a failover had the call made of another.';
comment on column public.llm_request_logs.failover_reason is
  'Whom the call asked before this attempt, and the class of each failure.';
comment on column public.llm_request_logs.skipped_hops is
  'Hops of the tenant''s failover chain that could not serve the call, and why.';
