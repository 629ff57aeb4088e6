-- Who it was that came in, asked or changed something: a key, a person who signed on, a service, or the operator.

alter table public.auth_events add column if not exists actor text;
alter table public.api_access_log add column if not exists actor text;
alter table public.budget_events add column if not exists actor text;

comment on column public.auth_events.actor is 'key:{id}, access:{sub}, service:{client id} or operator.';
comment on column public.api_access_log.actor is 'key:{id}, access:{sub}, service:{client id} or operator.';
comment on column public.budget_events.actor is 'Who changed it, likewise; null where the ledger itself noticed.';
comment on column public.auth_events.outcome is 'accepted, missing, unknown, disabled, expired, not_permitted or bad_assertion.';
comment on column public.api_access_log.tenant is 'Tenant of the key, or the one that an operator asked about; @platform for neither.';
comment on column public.budget_events.scope_kind is 'session, team, key or tenant.';
comment on column public.budget_events.scope_id is 'Id of the session, team, key or tenant.';
