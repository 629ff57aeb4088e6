-- Dead letters as an operator sees them: whose they are and why they are there, never what they say.

-- A letter may be anything that came off a queue.
create or replace function agentwatch.json_object_or_null(p_text text)
returns jsonb
language plpgsql
immutable
set search_path = ''
as $$
begin
  return case when jsonb_typeof(p_text::jsonb) = 'object' then p_text::jsonb end;
exception when others then
  return null;
end
$$;
comment on function agentwatch.json_object_or_null(text) is 'The text as a JSON object, or null where it is none.';
revoke all on function agentwatch.json_object_or_null(text) from public;
grant execute on function agentwatch.json_object_or_null(text) to service_role;

create or replace function agentwatch.letter_document(p_letter public.dead_letters)
returns jsonb
language sql
stable
set search_path = ''
as $$
  select (to_jsonb(p_letter) - 'message') || jsonb_build_object(
    'tenant', left(said.message ->> 'tenant', 256), 'type', left(said.message ->> 'type', 256))
  from (select agentwatch.json_object_or_null(p_letter.message) as message) as said
$$;
comment on function agentwatch.letter_document(public.dead_letters) is
  'A letter without its message, and the tenant and type that it names.';
revoke all on function agentwatch.letter_document(public.dead_letters) from public;
grant execute on function agentwatch.letter_document(public.dead_letters) to service_role;

create or replace function public.dead_letters_page(
  p_after_buried_at timestamptz default null, p_after_letter_id text default null, p_rows_max integer default 100
)
returns jsonb
language sql
stable
set search_path = ''
as $$
  with page as (
    select letters from public.dead_letters as letters
    where letters.buried_at <= coalesce(p_after_buried_at, 'infinity')
      and (p_after_buried_at is null
           or (letters.buried_at, letters.letter_id) < (p_after_buried_at, p_after_letter_id))
    order by letters.buried_at desc, letters.letter_id desc
    limit least(greatest(p_rows_max, 1), 1000)
  )
  select coalesce(
    jsonb_agg(agentwatch.letter_document(letters) order by (letters).buried_at desc, (letters).letter_id desc), '[]')
  from page
$$;
comment on function public.dead_letters_page(timestamptz, text, integer) is
  'Letters without their messages, those last buried first.';

-- One whose replay waits already keeps its place.
create or replace function public.request_replay(p_letter_id text)
returns jsonb
language sql
set search_path = ''
as $$
  with asked as (
    update public.dead_letters as letters
    set replay_requested_at = case
          when letters.replayed_at is null then coalesce(letters.replay_requested_at, now()) else now() end,
        replayed_at = null,
        result = null
    where letters.letter_id = p_letter_id
    returning letters
  )
  select coalesce(jsonb_agg(agentwatch.letter_document(letters)), '[]') from asked
$$;
comment on function public.request_replay(text) is 'Asks that a letter be dealt with again; answers with it, or with nothing where there is none.';

revoke all on function public.dead_letters_page(timestamptz, text, integer) from public, anon, authenticated;
revoke all on function public.request_replay(text) from public, anon, authenticated;
grant execute on function public.dead_letters_page(timestamptz, text, integer) to service_role;
grant execute on function public.request_replay(text) to service_role;

notify pgrst, 'reload schema';
