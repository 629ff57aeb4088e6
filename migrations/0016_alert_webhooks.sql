-- An alert has two receivers, Slack and a webhook for machines, and each of them a claim of its own.

do $$
begin
  if not exists (
    select from pg_catalog.pg_constraint
    where conrelid = 'public.report_dispatches'::regclass and conname = 'report_dispatches_kind_check'
      and pg_get_constraintdef(oid) like '%alert_webhook%'
  ) then
    alter table public.report_dispatches drop constraint if exists report_dispatches_kind_check;
    alter table public.report_dispatches add constraint report_dispatches_kind_check
      check (kind in ('alert', 'alert_webhook', 'weekly_report'));
  end if;
end
$$;

comment on table public.report_dispatches is
  'Alerts and reports told to tenants, one row for each of their receivers.';
comment on column public.report_dispatches.kind is
  'alert (to Slack), alert_webhook (the same to the webhook) or weekly_report (to Slack).';
comment on column public.report_dispatches.result is
  'sent; no_webhook; refused with the HTTP status, where the message was; unusable receiver with the reason, where its address, its key or its redirect is to be put right.';

notify pgrst, 'reload schema';
