-- Spend of a span of time by session, team, model and day, exact to the nano-dollar. The functions run
-- with the caller's own rights: a tenant's JWT sums its own rows whatever p_tenant says, and service_role
-- sums everybody's where p_tenant is null. `requests` counts first attempts, `attempts` all of them.

create or replace function public.spend_by_session(
  p_from timestamptz, p_until timestamptz, p_tenant text default null, p_rows_max integer default 1000
)
returns table (
  tenant text, session_id text, requests bigint, attempts bigint, prompt_tokens bigint,
  completion_tokens bigint, cost_nanousd bigint, first_at timestamptz, last_at timestamptz
)
language sql
stable
set search_path = ''
as $$
  select l.tenant, l.session_id, count(*) filter (where l.attempt = 1), count(*), sum(l.prompt_tokens)::bigint,
         sum(l.completion_tokens)::bigint, sum(l.cost_nanousd)::bigint, min(l.started_at), max(l.started_at)
  from public.llm_request_logs as l
  where l.started_at >= p_from and l.started_at < p_until and (p_tenant is null or l.tenant = p_tenant)
    and l.session_id is not null
  group by l.tenant, l.session_id
  order by sum(l.cost_nanousd) desc, l.tenant, l.session_id
  limit p_rows_max
$$;
comment on function public.spend_by_session(timestamptz, timestamptz, text, integer) is
  'Sessions by spend, dearest first: p_from <= start < p_until; cost in nano-dollars.';

create or replace function public.spend_by_team(
  p_from timestamptz, p_until timestamptz, p_tenant text default null, p_rows_max integer default 1000
)
returns table (
  tenant text, team text, requests bigint, attempts bigint, prompt_tokens bigint,
  completion_tokens bigint, cost_nanousd bigint
)
language sql
stable
set search_path = ''
as $$
  select l.tenant, l.team, count(*) filter (where l.attempt = 1), count(*), sum(l.prompt_tokens)::bigint,
         sum(l.completion_tokens)::bigint, sum(l.cost_nanousd)::bigint
  from public.llm_request_logs as l
  where l.started_at >= p_from and l.started_at < p_until and (p_tenant is null or l.tenant = p_tenant)
  group by l.tenant, l.team
  order by sum(l.cost_nanousd) desc, l.tenant, l.team
  limit p_rows_max
$$;
comment on function public.spend_by_team(timestamptz, timestamptz, text, integer) is
  'Teams by spend, dearest first (null: calls without a team): p_from <= start < p_until; cost in nano-dollars.';

create or replace function public.spend_by_model(
  p_from timestamptz, p_until timestamptz, p_tenant text default null, p_rows_max integer default 1000
)
returns table (
  tenant text, provider text, model text, requests bigint, attempts bigint, prompt_tokens bigint,
  completion_tokens bigint, cost_nanousd bigint
)
language sql
stable
set search_path = ''
as $$
  select l.tenant, l.provider, l.model, count(*) filter (where l.attempt = 1), count(*),
         sum(l.prompt_tokens)::bigint, sum(l.completion_tokens)::bigint, sum(l.cost_nanousd)::bigint
  from public.llm_request_logs as l
  where l.started_at >= p_from and l.started_at < p_until and (p_tenant is null or l.tenant = p_tenant)
  group by l.tenant, l.provider, l.model
  order by sum(l.cost_nanousd) desc, l.tenant, l.provider, l.model
  limit p_rows_max
$$;
comment on function public.spend_by_model(timestamptz, timestamptz, text, integer) is
  'Models by spend, dearest first: p_from <= start < p_until; cost in nano-dollars.';

create or replace function public.spend_by_day(
  p_from timestamptz, p_until timestamptz, p_tenant text default null, p_rows_max integer default 1000
)
returns table (
  tenant text, day date, requests bigint, attempts bigint, prompt_tokens bigint,
  completion_tokens bigint, cost_nanousd bigint
)
language sql
stable
set search_path = ''
as $$
  select l.tenant, (l.started_at at time zone 'UTC')::date, count(*) filter (where l.attempt = 1), count(*),
         sum(l.prompt_tokens)::bigint, sum(l.completion_tokens)::bigint, sum(l.cost_nanousd)::bigint
  from public.llm_request_logs as l
  where l.started_at >= p_from and l.started_at < p_until and (p_tenant is null or l.tenant = p_tenant)
  group by l.tenant, (l.started_at at time zone 'UTC')::date
  order by (l.started_at at time zone 'UTC')::date, l.tenant
  limit p_rows_max
$$;
comment on function public.spend_by_day(timestamptz, timestamptz, text, integer) is
  'Days (UTC) by spend, oldest first: p_from <= start < p_until; cost in nano-dollars.';

revoke all on function public.spend_by_session(timestamptz, timestamptz, text, integer) from public, anon;
revoke all on function public.spend_by_team(timestamptz, timestamptz, text, integer) from public, anon;
revoke all on function public.spend_by_model(timestamptz, timestamptz, text, integer) from public, anon;
revoke all on function public.spend_by_day(timestamptz, timestamptz, text, integer) from public, anon;
grant execute on function public.spend_by_session(timestamptz, timestamptz, text, integer) to authenticated, service_role;
grant execute on function public.spend_by_team(timestamptz, timestamptz, text, integer) to authenticated, service_role;
grant execute on function public.spend_by_model(timestamptz, timestamptz, text, integer) to authenticated, service_role;
grant execute on function public.spend_by_day(timestamptz, timestamptz, text, integer) to authenticated, service_role;
