-- Messages that could not be dealt with. A queue would forget them after some days; here a person can look at them,
-- and have them dealt with again once the cause is gone. They are the operator's, not a tenant's: no tenant reads them.

create table if not exists public.dead_letters (
  letter_id text primary key,
  reason text not null,
  message text not null,
  buried_at timestamptz not null default now(),
  replay_requested_at timestamptz,
  replayed_at timestamptz,
  result text
);
comment on table public.dead_letters is 'Messages that could not be dealt with. To replay one: set replay_requested_at.';
comment on column public.dead_letters.letter_id is 'SHA-256 of the message: the same one is buried once.';
comment on column public.dead_letters.reason is 'Why it was buried.';
comment on column public.dead_letters.message is 'The message as it came off the telemetry queue.';
comment on column public.dead_letters.buried_at is 'When it was stored here (UTC).';
comment on column public.dead_letters.replay_requested_at is 'Set by an operator (UTC): deal with it again, within ten minutes.';
comment on column public.dead_letters.replayed_at is 'When that was done (UTC); null it to have it done once more.';
comment on column public.dead_letters.result is 'What became of the replay.';

create index if not exists dead_letters_buried_at on public.dead_letters (buried_at);

alter table public.dead_letters enable row level security;
revoke all on public.dead_letters from anon, authenticated, service_role;
grant select, insert, update on public.dead_letters to service_role;

create or replace function public.dead_letters_to_replay(p_rows_max integer)
returns table (letter_id text, message text)
language sql
stable
set search_path = ''
as $$
  select letters.letter_id, letters.message
  from public.dead_letters as letters
  where letters.replay_requested_at is not null and letters.replayed_at is null
  order by letters.replay_requested_at, letters.letter_id
  limit p_rows_max
$$;
comment on function public.dead_letters_to_replay(integer) is 'Letters whose replay was asked for and not done, the longest waiting first.';

create or replace function public.finish_replay(p_letter_id text, p_result text)
returns void
language sql
set search_path = ''
as $$
  update public.dead_letters set replayed_at = now(), result = p_result where letter_id = p_letter_id
$$;
comment on function public.finish_replay(text, text) is 'Notes what became of a replay.';

revoke all on function public.dead_letters_to_replay(integer) from public, anon, authenticated;
revoke all on function public.finish_replay(text, text) from public, anon, authenticated;
grant execute on function public.dead_letters_to_replay(integer) to service_role;
grant execute on function public.finish_replay(text, text) to service_role;
