-- The roles that PostgREST switches to, where the server is not Supabase and lacks them, and the private
-- schema that holds partitions and internals. PostgREST exposes `public` only: nothing in `agentwatch`
-- can be read or called over REST.

do $$
begin
  if not exists (select from pg_roles where rolname = 'anon') then
    create role anon nologin noinherit;
  end if;
  if not exists (select from pg_roles where rolname = 'authenticated') then
    create role authenticated nologin noinherit;
  end if;
  if not exists (select from pg_roles where rolname = 'service_role') then
    create role service_role nologin noinherit bypassrls;
  end if;
end
$$;

create schema if not exists agentwatch;
comment on schema agentwatch is 'Partitions and internals of AgentWatch; not exposed over REST.';

revoke all on schema agentwatch from public;
grant usage on schema agentwatch to authenticated, service_role;
grant usage on schema public to authenticated, service_role;

-- The tenant that a caller's JWT names: a claim `tenant` of its own, or Supabase's `app_metadata`, which
-- only an administrator can write. `user_metadata` is the user's own and is never believed.
create or replace function agentwatch.jwt_tenant()
returns text
language sql
stable
set search_path = ''
as $$
  select coalesce(claims ->> 'tenant', claims -> 'app_metadata' ->> 'tenant')
  from (select nullif(current_setting('request.jwt.claims', true), '')::jsonb as claims) as jwt
$$;
comment on function agentwatch.jwt_tenant() is 'The tenant named by the request''s JWT, or null.';

revoke all on function agentwatch.jwt_tenant() from public;
grant execute on function agentwatch.jwt_tenant() to authenticated, service_role;
