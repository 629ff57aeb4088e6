-- A token may name a team beside its tenant. It then reads that team's calls and nothing else of the tenant: what is
-- allowed by the tenant's own policy is narrowed by these, and a token without the claim is not touched by them.

create or replace function agentwatch.jwt_team()
returns text
language sql
stable
set search_path = ''
as $$
  select claims ->> 'team'
  from (select nullif(current_setting('request.jwt.claims', true), '')::jsonb as claims) as jwt
$$;
comment on function agentwatch.jwt_team() is 'The team that the request''s JWT is confined to, or null.';

revoke all on function agentwatch.jwt_team() from public;
grant execute on function agentwatch.jwt_team() to authenticated, service_role;

drop policy if exists team_reads_own_calls on public.llm_request_logs;
create policy team_reads_own_calls on public.llm_request_logs
  as restrictive for select to authenticated
  using ((select agentwatch.jwt_team()) is null or team = (select agentwatch.jwt_team()));

drop policy if exists no_team_reads_this on public.auth_events;
create policy no_team_reads_this on public.auth_events
  as restrictive for select to authenticated using ((select agentwatch.jwt_team()) is null);

drop policy if exists no_team_reads_this on public.api_access_log;
create policy no_team_reads_this on public.api_access_log
  as restrictive for select to authenticated using ((select agentwatch.jwt_team()) is null);

drop policy if exists no_team_reads_this on public.budget_events;
create policy no_team_reads_this on public.budget_events
  as restrictive for select to authenticated using ((select agentwatch.jwt_team()) is null);

drop policy if exists no_team_reads_this on public.report_dispatches;
create policy no_team_reads_this on public.report_dispatches
  as restrictive for select to authenticated using ((select agentwatch.jwt_team()) is null);

drop policy if exists no_team_reads_this on public.tenants;
create policy no_team_reads_this on public.tenants
  as restrictive for select to authenticated using ((select agentwatch.jwt_team()) is null);
