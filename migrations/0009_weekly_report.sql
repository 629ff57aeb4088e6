-- The weekly report: which tenants have not had it yet, and one tenant's week as one document.

create or replace function public.weekly_report_tenants(p_week_start date, p_rows_max integer)
returns table (tenant text)
language sql
stable
set search_path = ''
as $$
  select t.tenant
  from public.tenants as t
  where t.wants_weekly_report
    and exists (
      select from public.llm_request_logs as l
      where l.tenant = t.tenant
        and l.started_at >= p_week_start::timestamp at time zone 'UTC'
        and l.started_at < (p_week_start + 7)::timestamp at time zone 'UTC')
    and not exists (
      select from public.report_dispatches as told
      where told.tenant = t.tenant and told.kind = 'weekly_report'
        and told.dispatch_key = to_char(p_week_start, 'YYYY-MM-DD') and told.finished_at is not null)
  order by t.tenant
  limit p_rows_max
$$;
comment on function public.weekly_report_tenants(date, integer) is
  'Tenants with calls in the week that begins on the date (UTC) whose report is still to be sent.';

create or replace function public.weekly_report(p_tenant text, p_week_start date)
returns jsonb
language sql
stable
set search_path = ''
as $$
  with week as (
    select p_week_start::timestamp at time zone 'UTC' as starts_at,
           (p_week_start + 7)::timestamp at time zone 'UTC' as ends_at,
           (p_week_start - 7)::timestamp at time zone 'UTC' as previous_starts_at
  )
  select jsonb_build_object(
    'requests', count(*) filter (where l.attempt = 1 and l.started_at >= week.starts_at),
    'refused', count(*) filter (where l.outcome = 'refused' and l.started_at >= week.starts_at),
    'cut', count(*) filter (where l.is_cut and l.started_at >= week.starts_at),
    'cost_nanousd', coalesce(sum(l.cost_nanousd) filter (where l.started_at >= week.starts_at), 0)::bigint,
    'previous_cost_nanousd', coalesce(sum(l.cost_nanousd) filter (where l.started_at < week.starts_at), 0)::bigint,
    'sessions', (
      select coalesce(jsonb_agg(jsonb_build_object('name', s.session_id, 'cost_nanousd', s.cost_nanousd, 'requests', s.requests)), '[]')
      from public.spend_by_session(week.starts_at, week.ends_at, p_tenant, 5) as s),
    'models', (
      select coalesce(jsonb_agg(jsonb_build_object('name', coalesce(nullif(concat_ws('/', m.provider, m.model), ''), '(no model)'), 'cost_nanousd', m.cost_nanousd, 'requests', m.requests)), '[]')
      from public.spend_by_model(week.starts_at, week.ends_at, p_tenant, 5) as m),
    'teams', (
      select coalesce(jsonb_agg(jsonb_build_object('name', coalesce(t.team, '(no team)'), 'cost_nanousd', t.cost_nanousd, 'requests', t.requests)), '[]')
      from public.spend_by_team(week.starts_at, week.ends_at, p_tenant, 5) as t))
  from week
  left join public.llm_request_logs as l
    on l.tenant = p_tenant and l.started_at >= week.previous_starts_at and l.started_at < week.ends_at
  group by week.starts_at, week.ends_at
$$;
comment on function public.weekly_report(text, date) is
  'One tenant''s week (UTC, from the date): totals, the week before, and the five dearest sessions, models and teams. Nano-dollars.';

revoke all on function public.weekly_report_tenants(date, integer) from public, anon, authenticated;
revoke all on function public.weekly_report(text, date) from public, anon;
grant execute on function public.weekly_report_tenants(date, integer) to service_role;
grant execute on function public.weekly_report(text, date) to authenticated, service_role;
