-- The order in which calls are stored, such that whoever reads along it sees every call once.
--
-- Transactions commit in another order than they begin in, so the youngest stored_at that one can see says nothing: a
-- writer that began before may still commit. Hence every insert leaves a sign while its transaction runs, an advisory
-- lock that bears its second, and a row's stored_at is read off the clock behind it. All calls stored before the oldest
-- sign are there to be seen. Nobody ever waits for such a lock: they are all shared. A lock goes only after its
-- transaction can be seen, so signs are read first, and rows in a snapshot that is taken afterwards.

create or replace function agentwatch.sign_of_storing()
returns trigger
language plpgsql
set search_path = ''
as $$
begin
  -- 'awst' as a number, and seconds since 2020, which fit for longer than anybody reads this.
  perform pg_advisory_xact_lock_shared(1635218292, (floor(extract(epoch from clock_timestamp())) - 1577836800)::integer);
  return null;
end
$$;
comment on function agentwatch.sign_of_storing() is 'Shows others that calls are being stored, and since when.';
revoke all on function agentwatch.sign_of_storing() from public;

drop trigger if exists sign_of_storing on public.llm_request_logs;
create trigger sign_of_storing
  before insert on public.llm_request_logs
  for each statement execute function agentwatch.sign_of_storing();

alter table public.llm_request_logs alter column stored_at set default clock_timestamp();

-- To be called in a statement of its own, before the one that reads: hence volatile, as whoever calls it has to be.
create or replace function agentwatch.stored_until()
returns timestamptz
language plpgsql
volatile
security definer
set search_path = ''
as $$
declare
  v_now constant timestamptz := clock_timestamp();
begin
  return (
    select least(v_now, to_timestamp(min(lock.objid::bigint) + 1577836800))
    from pg_catalog.pg_locks as lock
    where lock.locktype = 'advisory' and lock.classid::bigint = 1635218292 and lock.objsubid = 2
      and lock.database = (select d.oid from pg_catalog.pg_database as d where d.datname = current_database()));
end
$$;
comment on function agentwatch.stored_until() is
  'Every call stored before this moment (UTC) can be seen by the statement that follows; later ones may be missing.';
revoke all on function agentwatch.stored_until() from public;
grant execute on function agentwatch.stored_until() to authenticated, service_role;

create index if not exists llm_request_logs_tenant_stored_at
  on public.llm_request_logs (tenant, stored_at, request_id, attempt, started_at);
