-- Upkeep in parts that cannot hold each other up: months ahead are one transaction, retention is another, and a month
-- that somebody has locked is left for the next day.

-- Only the parent is locked: `lock table` without `only` waits for every old month too, even for its vacuum.
create or replace function agentwatch.create_log_partition(p_month date)
returns boolean
language plpgsql
set search_path = ''
set lock_timeout = '5s'
as $$
declare
  v_name constant text := 'llm_request_logs_' || to_char(p_month, 'YYYY_MM');
  v_from constant timestamptz := date_trunc('month', p_month::timestamp) at time zone 'UTC';
  v_until constant timestamptz := (date_trunc('month', p_month::timestamp) + interval '1 month') at time zone 'UTC';
begin
  if to_regclass(format('agentwatch.%I', v_name)) is not null then
    return false;
  end if;
  -- Writers wait: a row that slipped into the default partition meanwhile would forbid the attachment.
  lock table only public.llm_request_logs in share row exclusive mode;
  if to_regclass(format('agentwatch.%I', v_name)) is not null then
    return false;
  end if;
  execute format('create table agentwatch.%I (like public.llm_request_logs including all)', v_name);
  execute format('alter table agentwatch.%I enable row level security', v_name);
  execute format(
    'with waiting as (
       delete from agentwatch.llm_request_logs_default
       where started_at >= %L and started_at < %L returning *
     )
     insert into agentwatch.%I select * from waiting', v_from, v_until, v_name);
  execute format(
    'alter table public.llm_request_logs attach partition agentwatch.%I for values from (%L) to (%L)',
    v_name, v_from, v_until);
  return true;
end
$$;

alter table public.report_dispatches add column if not exists tried_at timestamptz;
comment on column public.report_dispatches.tried_at is
  'When a weekly report was last taken up (UTC), whatever came of it; null for alerts.';

create or replace function agentwatch.apply_retention(
  p_now timestamptz, p_log_days integer default 90, p_audit_days integer default 365
)
returns jsonb
language plpgsql
set search_path = ''
set lock_timeout = '2s'
as $$
declare
  v_log_cutoff constant timestamptz := p_now - make_interval(days => p_log_days);
  v_audit_cutoff constant timestamptz := p_now - make_interval(days => p_audit_days);
  v_partition text;
  v_dropped text[] := '{}';
  v_locked text[] := '{}';
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
    begin
      execute format('drop table agentwatch.%I', v_partition);
      v_dropped := v_dropped || right(v_partition, 7);
    exception when lock_not_available then
      v_locked := v_locked || right(v_partition, 7);
      exit;  -- each wait holds up the writers behind it: one a day
    end;
  end loop;
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
  where coalesce(finished_at, nullif(claimed_at, '-infinity'), tried_at) < v_audit_cutoff;
  get diagnostics v_count = row_count;
  v_deleted := v_deleted + v_count;
  if v_locked = '{}' then
    delete from public.llm_request_logs where started_at < v_log_cutoff;
    get diagnostics v_count = row_count;
    v_deleted := v_deleted + v_count;
  end if;
  return jsonb_build_object('dropped_months', v_dropped, 'locked_months', v_locked, 'deleted_rows', v_deleted);
end
$$;

create or replace function public.make_months_ahead()
returns jsonb
language sql
security definer
set search_path = ''
as $$
  select jsonb_build_object('created_months', agentwatch.ensure_log_partitions(now()))
$$;
comment on function public.make_months_ahead() is 'Creates the partitions of the months ahead: runs every day.';

create or replace function public.forget_old_records()
returns jsonb
language sql
security definer
set search_path = ''
as $$
  select agentwatch.apply_retention(now())
$$;
comment on function public.forget_old_records() is
  'Retention: runs every day, after make_months_ahead() and in a transaction of its own.';

drop function if exists public.maintain_telemetry();
revoke all on function public.make_months_ahead() from public, anon, authenticated;
revoke all on function public.forget_old_records() from public, anon, authenticated;
grant execute on function public.make_months_ahead() to service_role;
grant execute on function public.forget_old_records() to service_role;

do $$
begin
  if exists (select from pg_extension where extname = 'pg_cron') then
    perform cron.schedule('agentwatch-maintenance', '17 3 * * *', 'select public.make_months_ahead()');
    perform cron.schedule('agentwatch-retention', '27 3 * * *', 'select public.forget_old_records()');
  end if;
end
$$;

notify pgrst, 'reload schema';
