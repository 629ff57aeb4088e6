-- Who has been seen. A row appears by itself with a tenant's first record; an operator may then name the
-- tenant and choose whether it gets the weekly report.

create table if not exists public.tenants (
  tenant text primary key,
  name text,
  wants_weekly_report boolean not null default true,
  first_seen_at timestamptz not null default now()
);
comment on table public.tenants is 'Tenants that have made a call.';
comment on column public.tenants.tenant is 'Id of the tenant, as its keys carry it.';
comment on column public.tenants.name is 'Name for people, set by an operator.';
comment on column public.tenants.wants_weekly_report is 'Whether the weekly report is sent.';
comment on column public.tenants.first_seen_at is 'When the first record was stored (UTC).';

alter table public.tenants enable row level security;
revoke all on public.tenants from anon, authenticated, service_role;
grant select on public.tenants to authenticated;
grant select, insert, update on public.tenants to service_role;

drop policy if exists tenant_reads_itself on public.tenants;
create policy tenant_reads_itself on public.tenants
  for select to authenticated using (tenant = (select agentwatch.jwt_tenant()));

create or replace function agentwatch.note_tenants()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
  -- Ordered, so that two inserts naming the same new tenants cannot wait for each other in a ring.
  insert into public.tenants (tenant)
  select distinct added.tenant from added order by added.tenant
  on conflict do nothing;
  return null;
end
$$;
comment on function agentwatch.note_tenants() is 'Keeps a row for every tenant that has a record.';
revoke all on function agentwatch.note_tenants() from public;

drop trigger if exists note_tenants on public.llm_request_logs;
create trigger note_tenants
  after insert on public.llm_request_logs
  referencing new table as added
  for each statement execute function agentwatch.note_tenants();
