-- Rates that were part of another one: cached audio, video, document searches.

alter table public.model_pricing
  add column if not exists cached_audio_input_nanousd_per_mtok bigint check (cached_audio_input_nanousd_per_mtok >= 0),
  add column if not exists video_input_nanousd_per_mtok bigint check (video_input_nanousd_per_mtok >= 0),
  add column if not exists document_search_nanousd_per_call bigint check (document_search_nanousd_per_call >= 0);

-- What the versions before were charged with: cached audio as audio, video as images, document searches not at all.
update public.model_pricing set
  cached_audio_input_nanousd_per_mtok = coalesce(cached_audio_input_nanousd_per_mtok, audio_input_nanousd_per_mtok),
  video_input_nanousd_per_mtok = coalesce(video_input_nanousd_per_mtok, image_input_nanousd_per_mtok),
  document_search_nanousd_per_call = coalesce(document_search_nanousd_per_call, 0)
where cached_audio_input_nanousd_per_mtok is null
  or video_input_nanousd_per_mtok is null
  or document_search_nanousd_per_call is null;

alter table public.model_pricing
  alter column cached_audio_input_nanousd_per_mtok set not null,
  alter column video_input_nanousd_per_mtok set not null,
  alter column document_search_nanousd_per_call set not null;

comment on column public.model_pricing.cached_audio_input_nanousd_per_mtok is 'Nano-dollars per million tokens of audio read from the prompt cache.';
comment on column public.model_pricing.video_input_nanousd_per_mtok is 'Nano-dollars per million tokens of video input.';
comment on column public.model_pricing.document_search_nanousd_per_call is 'Nano-dollars per search of attached or stored documents.';
