"""The checks of a deployment's parts, by what its Worker says of them (`GET /v1/doctor`)."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

from ..deployed import Deployed, Reply
from ..setup.checkout import EDGE, TELEMETRY
from ..setup.secrets import PROVIDER_KEYS
from ..setup.wrangler import typed_line
from .findings import Finding, note, unknown, well, wrong

NEEDED = {
    "OPERATOR_TOKEN": "nobody can make tenants",
    "KEY_ENCRYPTION_KEY": "tenants cannot keep provider keys",
    "SUPABASE_URL": "usage and events cannot be read",
    "SUPABASE_JWT_SECRET": "usage and events cannot be read",
}
CRON_AGE_S_MAX = {"*/10 * * * *": 25 * 60, "0 8 * * *": 26 * 3_600}
"""As in queue_consumer/wrangler.toml, and how old its last run may be."""

COPY_TRIES = 8
ROW_TRIES = 20
PAUSE_S = 3.0

Pause = Callable[[float], None]


def parts(place: Deployed, seen: Reply, *, pause: Pause = time.sleep) -> Iterator[Finding]:
    """`seen` is the answer of `/v1/doctor`."""
    yield from settings(seen.get("settings") or {})
    yield _part("kv", seen.get("kv") or {}, "the binding AGENTWATCH_KV: is its id in wrangler.toml this account's?")
    yield _part(
        "ledger", seen.get("ledger") or {}, "the binding LEDGER: deploy the edge Worker again, `npx wrangler deploy`"
    )
    yield configuration(place, seen, pause)
    yield from database(seen.get("database") or {})
    yield from crons(seen.get("database") or {}, now_ms=int(seen.get("now_at") or 0), is_here=_is_here(place.url))


def settings(given: dict[str, bool]) -> Iterator[Finding]:
    missing = [name for name in NEEDED if not given.get(name)]
    for name in missing:
        yield wrong(
            f"secret {name}", f"not set: {NEEDED[name]}", f"`agentwatch init`, or `{typed_line('secret', 'put', name)}`"
        )
    providers = [name for name in PROVIDER_KEYS if given.get(name)]
    if not missing:
        yield well("secrets", f"set: {', '.join((*NEEDED, *providers))}")
    if not providers:
        yield note(
            "provider keys", "the Worker has none: only tenants' own keys serve", "`agentwatch provider-key set`"
        )


def _part(name: str, health: dict[str, Any], advice: str) -> Finding:
    if health.get("answers"):
        return well(name, f"answers in {health.get('milliseconds')} ms")
    return wrong(name, str(health.get("said") or "does not answer"), advice)


def configuration(place: Deployed, seen: Reply, pause: Pause) -> Finding:
    """The copy in KV follows the Ledger within seconds: one that is older is looked at again."""
    versions: dict[str, int | None] = {}
    for again in range(COPY_TRIES):
        versions = seen.get("config_version") or {}
        if versions.get("ledger") is None or versions.get("kv") == versions.get("ledger"):
            break
        if again < COPY_TRIES - 1:
            pause(PAUSE_S)
            seen = place.get("/v1/doctor")
    ledger, kv = versions.get("ledger"), versions.get("kv")
    if ledger is None:
        return unknown("configuration", "the ledger does not say which version it has")
    if kv == ledger:
        return well("configuration", f"version {ledger} in the ledger and in KV")
    if kv is None:
        return wrong(
            "configuration",
            "KV holds one that was written by hand or changed",
            "write it by `PUT /v1/config`, not into KV",
        )
    return wrong(
        "configuration",
        f"version {ledger} in the ledger, {kv} in KV: the copy is not written",
        "calls are judged by the ledger's all the same; the Ledger's alarm writes the copy: `npx wrangler tail`",
    )


def database(health: dict[str, Any]) -> Iterator[Finding]:
    if not health.get("answers"):
        advice = f"secrets SUPABASE_URL, SUPABASE_JWT_SECRET and SUPABASE_ANON_KEY of the Worker in {EDGE}; migrations"
        yield wrong("database", str(health.get("said") or "does not answer"), advice)
        return
    yield well("database", f"answers in {health.get('milliseconds')} ms")
    present, wanted = str(health.get("schema_version")), str(health.get("schema_wanted"))
    if present == wanted:
        yield well("tables", f"up to migration {present}")
    elif present > wanted:
        yield note(
            "tables", f"up to migration {present}, newer than the Worker, which knows {wanted}", "deploy the Worker"
        )
    else:
        yield wrong(
            "tables", f"up to migration {present}, and {wanted} is needed", "`agentwatch init`, or `supabase db push`"
        )


def crons(health: dict[str, Any], *, now_ms: int, is_here: bool) -> Iterator[Finding]:
    """Whether the telemetry Worker's crons run. The local stack runs none by itself."""
    if not health.get("answers"):
        yield unknown("crons", "the database cannot be asked")
        return
    ran: dict[str, int] = health.get("crons") or {}
    for cron, age_s_max in CRON_AGE_S_MAX.items():
        name, at_ms = f"cron {cron}", ran.get(cron)
        age_s = None if at_ms is None else (now_ms - at_ms) / 1_000
        if age_s is not None and age_s <= age_s_max:
            yield well(name, f"ran {_minutes(age_s)} ago")
        elif is_here:
            yield note(name, "the local stack runs no crons by itself")
        elif age_s is None and len(ran) > 0:
            yield note(name, "has not run yet")
        else:
            what = "has never run" if age_s is None else f"ran {_minutes(age_s)} ago"
            yield wrong(
                name,
                what,
                f"`{typed_line('deploy', '-c', TELEMETRY)}`, then its log: `npx wrangler tail -c {TELEMETRY}`",
            )


def telemetry(place: Deployed, request_id: str, *, pause: Pause = time.sleep) -> Finding:
    """A message goes through the queue and becomes a row: the one of a request of our own."""
    reply = Reply(None)
    for again in range(ROW_TRIES):
        if again:
            pause(PAUSE_S)
        reply = place.get("/v1/events?kind=access&limit=50")
        rows = reply.get("data") or []
        if any(row.get("request_id") == request_id for row in rows):
            return well("queue", "a record went through it and is a row in the database")
        if reply.status != 200:
            return unknown("queue", f"rows cannot be read: {reply.words}")
    return wrong(
        "queue",
        f"the record of request {request_id} is no row after {ROW_TRIES * PAUSE_S:.0f} s",
        f"the telemetry Worker's log: `npx wrangler tail -c {TELEMETRY}`; letters that failed: `agentwatch dlq list`",
    )


def _minutes(seconds: float) -> str:
    return f"{seconds / 60:.0f} min" if seconds < 7_200 else f"{seconds / 3_600:.0f} h"


def _is_here(url: str) -> bool:
    return urlsplit(url).hostname in ("127.0.0.1", "localhost", "::1")
