-- Who tried to come in, who asked AgentWatch's own API for what, and how budgets were changed.

create table if not exists public.auth_events (
  event_id text primary key,
  occurred_at timestamptz not null,
  outcome text not null,
  tenant text,
  key_id text,
  role text,
  method text not null,
  path text not null,
  client_address text,
  stored_at timestamptz not null default now()
);
comment on table public.auth_events is 'Refused logins, and those of administrators, each once per caller and minute or hour. No token or digest of one is kept.';
comment on column public.auth_events.event_id is 'Identity of the event; a redelivery carries the same.';
comment on column public.auth_events.occurred_at is 'When it happened (UTC).';
comment on column public.auth_events.outcome is 'accepted, missing, unknown, disabled or not_permitted.';
comment on column public.auth_events.tenant is 'Tenant of the key; null where the token named nobody.';
comment on column public.auth_events.key_id is 'Id of the AgentWatch key; never the key.';
comment on column public.auth_events.role is 'Role of the key.';
comment on column public.auth_events.method is 'HTTP method.';
comment on column public.auth_events.path is 'Path without its query.';
comment on column public.auth_events.client_address is 'Network address of the caller.';
comment on column public.auth_events.stored_at is 'When the row was stored (UTC).';

create table if not exists public.api_access_log (
  request_id text primary key,
  occurred_at timestamptz not null,
  tenant text not null,
  key_id text,
  role text,
  method text not null,
  path text not null,
  status integer not null,
  error_code text,
  latency_ms double precision,
  stored_at timestamptz not null default now()
);
comment on table public.api_access_log is 'Requests to AgentWatch''s own API, such as administration.';
comment on column public.api_access_log.request_id is 'x-agentwatch-request-id.';
comment on column public.api_access_log.occurred_at is 'When it happened (UTC).';
comment on column public.api_access_log.tenant is 'Tenant of the key.';
comment on column public.api_access_log.key_id is 'Id of the AgentWatch key; never the key.';
comment on column public.api_access_log.role is 'Role of the key.';
comment on column public.api_access_log.method is 'HTTP method.';
comment on column public.api_access_log.path is 'Path without its query.';
comment on column public.api_access_log.status is 'HTTP status of the answer.';
comment on column public.api_access_log.error_code is 'Code of the refusal.';
comment on column public.api_access_log.latency_ms is 'Milliseconds to the end of the answer.';
comment on column public.api_access_log.stored_at is 'When the row was stored (UTC).';

create table if not exists public.budget_events (
  event_id text primary key,
  occurred_at timestamptz not null,
  tenant text not null,
  change text not null,
  scope_kind text not null,
  scope_id text not null,
  scope_window text not null,
  limit_nanousd bigint check (limit_nanousd >= 0),
  spent_nanousd bigint check (spent_nanousd >= 0),
  held_nanousd bigint check (held_nanousd >= 0),
  key_id text,
  stored_at timestamptz not null default now()
);
comment on table public.budget_events is 'Budgets changed by administrators, and thresholds that were crossed.';
comment on column public.budget_events.event_id is 'Identity of the event; a redelivery carries the same.';
comment on column public.budget_events.occurred_at is 'When it happened (UTC).';
comment on column public.budget_events.tenant is 'Whose budget.';
comment on column public.budget_events.change is 'limit_changed, paused, resumed, made_hard, made_warning, alert_changed, spent_reset or threshold_reached.';
comment on column public.budget_events.scope_kind is 'session, team or tenant.';
comment on column public.budget_events.scope_id is 'Id of the session, team or tenant.';
comment on column public.budget_events.scope_window is 'session, day, month or total.';
comment on column public.budget_events.limit_nanousd is 'Nano-dollars of the limit after the event; null where there is none.';
comment on column public.budget_events.spent_nanousd is 'Nano-dollars spent in the window after the event.';
comment on column public.budget_events.held_nanousd is 'Nano-dollars held after the event.';
comment on column public.budget_events.key_id is 'Key of the administrator; null where the ledger itself noticed.';
comment on column public.budget_events.stored_at is 'When the row was stored (UTC).';

create index if not exists auth_events_occurred_at on public.auth_events (occurred_at);
create index if not exists api_access_log_occurred_at on public.api_access_log (occurred_at);
create index if not exists budget_events_occurred_at on public.budget_events (occurred_at);
create index if not exists auth_events_tenant on public.auth_events (tenant, occurred_at desc);
create index if not exists api_access_log_tenant on public.api_access_log (tenant, occurred_at desc);
create index if not exists budget_events_tenant on public.budget_events (tenant, occurred_at desc);

alter table public.auth_events enable row level security;
alter table public.api_access_log enable row level security;
alter table public.budget_events enable row level security;

revoke all on public.auth_events, public.api_access_log, public.budget_events
  from anon, authenticated, service_role;
grant select on public.auth_events, public.api_access_log, public.budget_events to authenticated;
grant select, insert on public.auth_events, public.api_access_log, public.budget_events to service_role;

drop policy if exists tenant_reads_own_rows on public.auth_events;
create policy tenant_reads_own_rows on public.auth_events
  for select to authenticated using (tenant = (select agentwatch.jwt_tenant()));

drop policy if exists tenant_reads_own_rows on public.api_access_log;
create policy tenant_reads_own_rows on public.api_access_log
  for select to authenticated using (tenant = (select agentwatch.jwt_tenant()));

drop policy if exists tenant_reads_own_rows on public.budget_events;
create policy tenant_reads_own_rows on public.budget_events
  for select to authenticated using (tenant = (select agentwatch.jwt_tenant()));
