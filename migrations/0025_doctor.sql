-- What `agentwatch doctor` asks the database: how far its migrations have come, and when the telemetry Worker's crons
-- ran last.

-- Always of the last migration: the one that comes after this defines it anew, and a test says so if it does not.
create or replace function public.schema_version()
returns text
language sql
immutable
set search_path = ''
as $$ select '0025_doctor' $$;
comment on function public.schema_version() is 'The name of the last migration that was applied.';

create table if not exists public.cron_runs (
  cron text primary key,
  ran_at timestamptz not null
);
comment on table public.cron_runs is 'The last run of each cron of the telemetry Worker. The operator''s, not a tenant''s.';
comment on column public.cron_runs.cron is 'Its schedule, as in queue_consumer/wrangler.toml.';
comment on column public.cron_runs.ran_at is 'When it last came to its end (UTC).';

alter table public.cron_runs enable row level security;
revoke all on public.cron_runs from anon, authenticated, service_role;
grant select, insert, update on public.cron_runs to service_role;

create or replace function public.note_cron_run(p_cron text)
returns void
language sql
set search_path = ''
as $$
  insert into public.cron_runs (cron, ran_at) values (p_cron, now())
  on conflict (cron) do update set ran_at = excluded.ran_at
$$;
comment on function public.note_cron_run(text) is 'Called by the telemetry Worker at the end of each run.';

-- Nothing in it is a tenant's, so each may ask: its reader has no other right to the table.
create or replace function public.deployment_health()
returns jsonb
language sql
stable
security definer
set search_path = ''
as $$
  select jsonb_build_object(
    'schema_version', public.schema_version(),
    'crons', (
      select coalesce(jsonb_object_agg(cron, floor(extract(epoch from ran_at) * 1000)), '{}') from public.cron_runs))
$$;
comment on function public.deployment_health() is
  'The last migration, and when each cron ran last (UTC milliseconds), for agentwatch doctor.';

revoke all on function public.schema_version() from public, anon;
revoke all on function public.note_cron_run(text) from public, anon, authenticated;
revoke all on function public.deployment_health() from public, anon;
grant execute on function public.schema_version() to authenticated, service_role;
grant execute on function public.note_cron_run(text) to service_role;
grant execute on function public.deployment_health() to authenticated, service_role;

notify pgrst, 'reload schema';
