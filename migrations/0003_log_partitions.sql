-- Partitions of llm_request_logs, created ahead of time. Records that came while a month had no partition
-- wait in the default one and are moved into the month's own when it is made.

create or replace function agentwatch.create_log_partition(p_month date)
returns boolean
language plpgsql
set search_path = ''
set lock_timeout = '10s'
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
  lock table public.llm_request_logs in share row exclusive mode;
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
comment on function agentwatch.create_log_partition(date) is
  'Creates the partition of the month (UTC) that contains the date; false where it exists.';

create or replace function agentwatch.ensure_log_partitions(p_now timestamptz, p_months_ahead integer default 3)
returns text[]
language plpgsql
set search_path = ''
as $$
declare
  v_month date;
  v_created text[] := '{}';
begin
  for v_month in
    select (date_trunc('month', p_now at time zone 'UTC') + make_interval(months => ahead))::date
    from generate_series(0, p_months_ahead) as ahead
  loop
    if agentwatch.create_log_partition(v_month) then
      v_created := v_created || to_char(v_month, 'YYYY_MM');
    end if;
  end loop;
  return v_created;
end
$$;
comment on function agentwatch.ensure_log_partitions(timestamptz, integer) is
  'Creates the partitions of this month and the months ahead that are missing; returns their names (YYYY_MM).';

revoke all on function agentwatch.create_log_partition(date) from public;
revoke all on function agentwatch.ensure_log_partitions(timestamptz, integer) from public;

select agentwatch.ensure_log_partitions(now());
