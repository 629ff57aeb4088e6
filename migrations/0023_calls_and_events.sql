-- Calls in the order in which they were stored, for whoever follows them; and events, the newest first.

-- Without p_after_stored_at: the last p_rows_max calls, the oldest of them first. Else those behind that call. A page
-- that is not full ends at stored_until, and the next one may begin there: no call stored before it is still to come.
create or replace function public.calls_page(
  p_after_stored_at timestamptz default null,
  p_after_request_id text default '',
  p_after_attempt integer default 0,
  p_after_started_at timestamptz default '-infinity',
  p_session_id text default null,
  p_team text default null,
  p_model text default null,
  p_outcome text default null,
  p_rows_max integer default 100
)
returns jsonb
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_until constant timestamptz := agentwatch.stored_until();
  v_rows_max constant integer := least(greatest(p_rows_max, 1), 1000);
  v_calls public.llm_request_logs[];
begin
  if p_after_stored_at is null then
    v_calls := array(
      select l from public.llm_request_logs as l
      where l.stored_at < v_until
        and (p_session_id is null or l.session_id = p_session_id)
        and (p_team is null or l.team = p_team)
        and (p_model is null or l.model = p_model)
        and (p_outcome is null or l.outcome = p_outcome)
      order by l.stored_at desc, l.request_id desc, l.attempt desc, l.started_at desc
      limit v_rows_max);
  else
    v_calls := array(
      select l from public.llm_request_logs as l
      where (l.stored_at, l.request_id, l.attempt, l.started_at)
          > (p_after_stored_at, p_after_request_id, p_after_attempt, p_after_started_at)
        and l.stored_at < v_until
        and (p_session_id is null or l.session_id = p_session_id)
        and (p_team is null or l.team = p_team)
        and (p_model is null or l.model = p_model)
        and (p_outcome is null or l.outcome = p_outcome)
      order by l.stored_at, l.request_id, l.attempt, l.started_at
      limit v_rows_max);
  end if;
  return jsonb_build_object(
    'stored_until', v_until,
    'calls', (
      select coalesce(jsonb_agg(to_jsonb(c) order by c.stored_at, c.request_id, c.attempt, c.started_at), '[]')
      from unnest(v_calls) as c));
end
$$;
comment on function public.calls_page(
  timestamptz, text, integer, timestamptz, text, text, text, text, integer) is
  'Calls behind one that was seen before, in the order in which they were stored; or the last ones.';

create or replace function public.events_page(
  p_kinds text[],
  p_from timestamptz default null,
  p_until timestamptz default null,
  p_after_occurred_at timestamptz default null,
  p_after_kind text default null,
  p_after_id text default null,
  p_rows_max integer default 100
)
returns jsonb
language sql
stable
set search_path = ''
as $$
  with span as (
    select coalesce(p_from, '-infinity') as starts_at,
           coalesce(p_until, 'infinity') as ends_at,
           coalesce(p_after_occurred_at, 'infinity') as last_at,
           least(greatest(p_rows_max, 1), 1000) as rows_max
  ),
  page as (
    select * from (
      (
        select 'budget' as kind, b.event_id as id, b.occurred_at, to_jsonb(b) as event
        from public.budget_events as b
        where 'budget' = any(p_kinds)
          and b.occurred_at >= (select starts_at from span) and b.occurred_at < (select ends_at from span)
          and b.occurred_at <= (select last_at from span)
          and (p_after_occurred_at is null
               or (b.occurred_at, 'budget', b.event_id) < (p_after_occurred_at, p_after_kind, p_after_id))
        order by b.occurred_at desc, b.event_id desc
        limit (select rows_max from span)
      )
      union all
      (
        select 'auth', a.event_id, a.occurred_at, to_jsonb(a)
        from public.auth_events as a
        where 'auth' = any(p_kinds)
          and a.occurred_at >= (select starts_at from span) and a.occurred_at < (select ends_at from span)
          and a.occurred_at <= (select last_at from span)
          and (p_after_occurred_at is null
               or (a.occurred_at, 'auth', a.event_id) < (p_after_occurred_at, p_after_kind, p_after_id))
        order by a.occurred_at desc, a.event_id desc
        limit (select rows_max from span)
      )
      union all
      (
        select 'access', r.request_id, r.occurred_at, to_jsonb(r)
        from public.api_access_log as r
        where 'access' = any(p_kinds)
          and r.occurred_at >= (select starts_at from span) and r.occurred_at < (select ends_at from span)
          and r.occurred_at <= (select last_at from span)
          and (p_after_occurred_at is null
               or (r.occurred_at, 'access', r.request_id) < (p_after_occurred_at, p_after_kind, p_after_id))
        order by r.occurred_at desc, r.request_id desc
        limit (select rows_max from span)
      )
    ) as every_kind
    order by occurred_at desc, kind desc, id desc
    limit (select rows_max from span)
  )
  select coalesce(
    jsonb_agg(page.event || jsonb_build_object('kind', page.kind) order by occurred_at desc, kind desc, id desc), '[]')
  from page
$$;
comment on function public.events_page(text[], timestamptz, timestamptz, timestamptz, text, text, integer) is
  'Rows of budget_events (budget), auth_events (auth) and api_access_log (access), the newest first: p_from <= occurred_at < p_until.';

revoke all on function public.calls_page(timestamptz, text, integer, timestamptz, text, text, text, text, integer)
  from public, anon;
revoke all on function public.events_page(text[], timestamptz, timestamptz, timestamptz, text, text, integer)
  from public, anon;
grant execute on function public.calls_page(timestamptz, text, integer, timestamptz, text, text, text, text, integer)
  to authenticated, service_role;
grant execute on function public.events_page(text[], timestamptz, timestamptz, timestamptz, text, text, integer)
  to authenticated, service_role;
