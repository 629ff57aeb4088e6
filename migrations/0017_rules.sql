-- What the tenant's rules made of a call.

alter table public.llm_request_logs
  add column if not exists rules text[] not null default '{}',
  add column if not exists shadow_rules text[] not null default '{}',
  add column if not exists unknown_rules text[] not null default '{}',
  add column if not exists asked_model text;

comment on column public.llm_request_logs.rules is
  'Ids of the rules that acted on the call, in order; one that could not do what it says has :skipped behind it.';
comment on column public.llm_request_logs.shadow_rules is
  'Ids of rules in shadow that would have acted, where that would have made a difference.';
comment on column public.llm_request_logs.unknown_rules is
  'Ids of rules that could not be judged, because nobody knew a fact that they ask for.';
comment on column public.llm_request_logs.asked_model is
  'The model that the caller asked for, where a rule had the call made of another.';
