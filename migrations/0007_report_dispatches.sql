-- What a tenant is told (alerts, weekly reports), each once. Whoever wins the claim sends; a claim that
-- was neither finished nor released in time (its Worker died) may be taken over.

create table if not exists public.report_dispatches (
  tenant text not null,
  kind text not null check (kind in ('alert', 'weekly_report')),
  dispatch_key text not null,
  summary text not null,
  attempts integer not null default 1,
  claimed_at timestamptz not null default now(),
  finished_at timestamptz,
  result text,
  primary key (tenant, kind, dispatch_key)
);
comment on table public.report_dispatches is 'Alerts and reports told to tenants, one row each.';
comment on column public.report_dispatches.tenant is 'Who is told.';
comment on column public.report_dispatches.kind is 'alert or weekly_report.';
comment on column public.report_dispatches.dispatch_key is 'The occasion: told once per tenant and kind.';
comment on column public.report_dispatches.summary is 'The sentence that was told.';
comment on column public.report_dispatches.attempts is 'Claims so far, from 1.';
comment on column public.report_dispatches.claimed_at is 'When the last attempt began (UTC); -infinity once it failed.';
comment on column public.report_dispatches.finished_at is 'When it was decided for good (UTC); null while it is not.';
comment on column public.report_dispatches.result is 'sent, no_webhook, or refused with the webhook''s HTTP status.';

create index if not exists report_dispatches_claimed_at on public.report_dispatches (claimed_at);

alter table public.report_dispatches enable row level security;
revoke all on public.report_dispatches from anon, authenticated, service_role;
grant select on public.report_dispatches to authenticated;
grant select, insert, update on public.report_dispatches to service_role;

drop policy if exists tenant_reads_own_rows on public.report_dispatches;
create policy tenant_reads_own_rows on public.report_dispatches
  for select to authenticated using (tenant = (select agentwatch.jwt_tenant()));

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
    set claimed_at = now(), attempts = told.attempts + 1
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
comment on function public.claim_dispatch(text, text, text, text, integer) is
  'claimed: the caller sends it. finished: it was told. busy: another claim of the last p_lease_seconds stands.';

create or replace function public.finish_dispatch(p_tenant text, p_kind text, p_key text, p_result text)
returns void
language sql
set search_path = ''
as $$
  update public.report_dispatches
  set finished_at = case when p_result is null then null else now() end,
      claimed_at = case when p_result is null then '-infinity' else claimed_at end,
      result = p_result
  where tenant = p_tenant and kind = p_kind and dispatch_key = p_key and finished_at is null
$$;
comment on function public.finish_dispatch(text, text, text, text) is
  'Ends a claim with its result, or hands it back where the result is null.';

revoke all on function public.claim_dispatch(text, text, text, text, integer) from public, anon, authenticated;
revoke all on function public.finish_dispatch(text, text, text, text) from public, anon, authenticated;
grant execute on function public.claim_dispatch(text, text, text, text, integer) to service_role;
grant execute on function public.finish_dispatch(text, text, text, text) to service_role;
