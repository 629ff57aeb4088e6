-- The weekly report in turn: whoever has waited longest is next, and a tenant whose report fails does not stand in the
-- way of those behind it.

create or replace function public.claim_dispatch(
  p_tenant text, p_kind text, p_key text, p_summary text, p_lease_seconds integer
)
returns text
language plpgsql
set search_path = ''
as $$
declare
  v_is_finished boolean;
begin
  insert into public.report_dispatches as told (tenant, kind, dispatch_key, summary)
  values (p_tenant, p_kind, p_key, p_summary)
  on conflict (tenant, kind, dispatch_key) do update
    set claimed_at = now(), attempts = told.attempts + 1, summary = excluded.summary
    where told.finished_at is null and told.claimed_at < now() - make_interval(secs => p_lease_seconds);
  if found then
    return 'claimed';
  end if;
  select told.finished_at is not null into v_is_finished
  from public.report_dispatches as told
  where told.tenant = p_tenant and told.kind = p_kind and told.dispatch_key = p_key;
  return case when v_is_finished then 'finished' else 'busy' end;
end
$$;

create or replace function public.take_weekly_report_tenants(
  p_week_start date, p_rows_max integer, p_retry_seconds integer
)
returns table (tenant text)
language sql
set search_path = ''
as $$
  with due as (
    select t.tenant, told.tried_at
    from public.tenants as t
    left join public.report_dispatches as told
      on told.tenant = t.tenant and told.kind = 'weekly_report'
      and told.dispatch_key = to_char(p_week_start, 'YYYY-MM-DD')
    where t.wants_weekly_report
      and told.finished_at is null
      and (told.tried_at is null or told.tried_at <= now() - make_interval(secs => p_retry_seconds))
      and exists (
        select from public.llm_request_logs as l
        where l.tenant = t.tenant
          and l.started_at >= p_week_start::timestamp at time zone 'UTC'
          and l.started_at < (p_week_start + 7)::timestamp at time zone 'UTC')
    order by told.tried_at nulls first, t.tenant
    limit p_rows_max
  )
  insert into public.report_dispatches as told
    (tenant, kind, dispatch_key, summary, attempts, claimed_at, tried_at)
  select due.tenant, 'weekly_report', to_char(p_week_start, 'YYYY-MM-DD'), '', 0, '-infinity', now()
  from due
  on conflict (tenant, kind, dispatch_key) do update set tried_at = now()
  returning told.tenant
$$;
comment on function public.take_weekly_report_tenants(date, integer, integer) is
  'Takes up tenants with calls in the week that begins on the date (UTC) whose report is still to be sent, those first that have waited longest; none that was taken up within p_retry_seconds.';

drop function if exists public.weekly_report_tenants(date, integer);
revoke all on function public.take_weekly_report_tenants(date, integer, integer) from public, anon, authenticated;
grant execute on function public.take_weekly_report_tenants(date, integer, integer) to service_role;

notify pgrst, 'reload schema';
