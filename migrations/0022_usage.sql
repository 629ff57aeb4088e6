-- Usage in groups, exact to the nano-dollar, page by page: by day, then dearest first. All pages of one reading count
-- the calls that were stored before its first page (p_as_of), so that calls coming in move no group past the reader. A
-- page begins behind the day, the cost and the members of the group that the one before ended with; members are
-- compared as an array, which has an order for nulls as well. Only retention takes calls away, at the far end of the
-- span: a group that loses calls between two pages may come again, with what is left of it.

create or replace function public.usage_grouped(
  p_from timestamptz,
  p_until timestamptz,
  p_group_by text[] default '{}',
  p_team text default null,
  p_session_id text default null,
  p_key_id text default null,
  p_model text default null,
  p_provider text default null,
  p_as_of timestamptz default null,
  p_after_day date default null,
  p_after_cost_nanousd numeric default null,
  p_after_members text[] default null,
  p_rows_max integer default 100
)
returns jsonb
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_as_of constant timestamptz := coalesce(p_as_of, agentwatch.stored_until());
begin
  if not p_group_by <@ array['day', 'session', 'team', 'key', 'model', 'provider', 'outcome', 'project', 'agent'] then
    raise exception 'unknown group' using errcode = '22023';
  end if;
  return (
    with grouped as (
      select
        case when 'day' = any(p_group_by) then (l.started_at at time zone 'UTC')::date end as day,
        array[
          case when 'session' = any(p_group_by) then l.session_id end,
          case when 'team' = any(p_group_by) then l.team end,
          case when 'key' = any(p_group_by) then l.key_id end,
          case when 'model' = any(p_group_by) then l.model end,
          case when 'provider' = any(p_group_by) then l.provider end,
          case when 'outcome' = any(p_group_by) then l.outcome end,
          case when 'project' = any(p_group_by) then l.project end,
          case when 'agent' = any(p_group_by) then l.agent end
        ] as members,
        count(*) filter (where l.attempt = 1) as requests,
        count(*) as attempts,
        sum(l.prompt_tokens) as prompt_tokens,
        sum(l.completion_tokens) as completion_tokens,
        sum(l.cost_nanousd) as cost_nanousd
      from public.llm_request_logs as l
      where l.started_at >= p_from and l.started_at < p_until and l.stored_at < v_as_of
        and (p_team is null or l.team = p_team)
        and (p_session_id is null or l.session_id = p_session_id)
        and (p_key_id is null or l.key_id = p_key_id)
        and (p_model is null or l.model = p_model)
        and (p_provider is null or l.provider = p_provider)
      group by 1, 2
    ),
    page as (
      select * from grouped as g
      where p_after_members is null
        or (coalesce(g.day, '-infinity'), -g.cost_nanousd, g.members)
           > (coalesce(p_after_day, '-infinity'), -p_after_cost_nanousd, p_after_members)
      order by g.day, g.cost_nanousd desc, g.members
      limit least(greatest(p_rows_max, 1), 1000)
    )
    select jsonb_build_object(
      'as_of', v_as_of,
      'complete_until', (
        select l.stored_at from public.llm_request_logs as l
        where l.stored_at < v_as_of order by l.stored_at desc limit 1),
      'groups', coalesce(
        jsonb_agg(
          jsonb_build_object(
            'day', p.day,
            'members', p.members,
            'requests', p.requests,
            'attempts', p.attempts,
            'prompt_tokens', p.prompt_tokens,
            'completion_tokens', p.completion_tokens,
            'cost_nanousd', p.cost_nanousd)
          order by p.day, p.cost_nanousd desc, p.members),
        '[]'))
    from page as p);
end
$$;
comment on function public.usage_grouped(
  timestamptz, timestamptz, text[], text, text, text, text, text, timestamptz, date, numeric, text[], integer) is
  'Requests, attempts, tokens and nano-dollars of the calls with p_from <= start < p_until, in groups by any of day, session, team, key, model, provider, outcome, project and agent: by day, dearest first. members has them in this order, all but the day, null where not asked for. complete_until: when the youngest of the caller''s calls was stored.';

revoke all on function public.usage_grouped(
  timestamptz, timestamptz, text[], text, text, text, text, text, timestamptz, date, numeric, text[], integer)
  from public, anon;
grant execute on function public.usage_grouped(
  timestamptz, timestamptz, text[], text, text, text, text, text, timestamptz, date, numeric, text[], integer)
  to authenticated, service_role;
