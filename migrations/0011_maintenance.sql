-- Daily upkeep: partitions ahead, and retention. Whole months of calls are dropped, which costs nothing;
-- only the month that the boundary runs through is deleted from. The telemetry Worker's cron calls
-- maintain_telemetry(); where pg_cron is installed the database does so itself as well.

create or replace function agentwatch.apply_retention(
  p_now timestamptz, p_log_days integer default 90, p_audit_days integer default 365
)
returns jsonb
language plpgsql
set search_path = ''
set lock_timeout = '10s'
as $$
declare
  v_log_cutoff constant timestamptz := p_now - make_interval(days => p_log_days);
  v_audit_cutoff constant timestamptz := p_now - make_interval(days => p_audit_days);
  v_partition text;
  v_dropped text[] := '{}';
  v_deleted bigint := 0;
  v_count bigint;
begin
  for v_partition in
    select child.relname
    from pg_catalog.pg_inherits
    join pg_catalog.pg_class as child on child.oid = inhrelid
    where inhparent = 'public.llm_request_logs'::regclass
      and child.relname ~ '^llm_request_logs_\d{4}_\d{2}$'
      and (to_date(right(child.relname, 7), 'YYYY_MM') + interval '1 month') at time zone 'UTC' <= v_log_cutoff
    order by child.relname
  loop
    execute format('drop table agentwatch.%I', v_partition);
    v_dropped := v_dropped || right(v_partition, 7);
  end loop;
  delete from public.llm_request_logs where started_at < v_log_cutoff;
  get diagnostics v_count = row_count;
  v_deleted := v_deleted + v_count;
  delete from public.api_access_log where occurred_at < v_log_cutoff;
  get diagnostics v_count = row_count;
  v_deleted := v_deleted + v_count;
  delete from public.auth_events where occurred_at < v_audit_cutoff;
  get diagnostics v_count = row_count;
  v_deleted := v_deleted + v_count;
  delete from public.budget_events where occurred_at < v_audit_cutoff;
  get diagnostics v_count = row_count;
  v_deleted := v_deleted + v_count;
  delete from public.dead_letters where buried_at < v_audit_cutoff;
  get diagnostics v_count = row_count;
  v_deleted := v_deleted + v_count;
  delete from public.report_dispatches
  where coalesce(finished_at, nullif(claimed_at, '-infinity')) < v_audit_cutoff;
  get diagnostics v_count = row_count;
  return jsonb_build_object('dropped_months', v_dropped, 'deleted_rows', v_deleted + v_count);
end
$$;
comment on function agentwatch.apply_retention(timestamptz, integer, integer) is
  'Removes calls and API requests older than p_log_days days, and logins, budget changes, dispatches and dead letters older than p_audit_days days.';

create or replace function public.maintain_telemetry()
returns jsonb
language sql
security definer
set search_path = ''
as $$
  select jsonb_build_object('created_months', agentwatch.ensure_log_partitions(now()))
         || agentwatch.apply_retention(now())
$$;
comment on function public.maintain_telemetry() is 'Partitions ahead and retention: what runs every day.';

revoke all on function agentwatch.apply_retention(timestamptz, integer, integer) from public;
revoke all on function public.maintain_telemetry() from public, anon, authenticated;
grant execute on function public.maintain_telemetry() to service_role;

do $$
begin
  if exists (select from pg_extension where extname = 'pg_cron') then
    perform cron.schedule('agentwatch-maintenance', '17 3 * * *', 'select public.maintain_telemetry()');
  end if;
end
$$;

-- A running PostgREST learns of the new tables and functions.
notify pgrst, 'reload schema';
