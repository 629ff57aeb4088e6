"""The first checks: does the address answer, are the clocks together, and who is one there? Nothing else can be looked
at where one of these fails."""

from __future__ import annotations

import time
from collections.abc import Iterator
from email.utils import parsedate_to_datetime

from ..deployed import Deployed, Reply
from .findings import Finding, note, well, wrong

CLOCK_S_MAX = 60.0
"""Tokens of single sign-on and of the database are refused beyond it."""


def address(place: Deployed) -> tuple[Finding, Reply]:
    reply = place.get("/healthz")
    if reply.status == 200 and reply.get("price_version"):
        return well("address", f"{place.url} answers, prices {reply.get('price_version')}"), reply
    if reply.status is None:
        advice = "check the address and the network; on this machine: `make up`; deployed: `agentwatch init`"
    elif reply.is_ours:
        advice = "look at the Worker's log: `npx wrangler tail`"
    else:
        advice = "somebody else answers there: behind Cloudflare Access, calls need a hostname or paths without it"
    return wrong("address", f"{place.url}/healthz: {reply.words}", advice), reply


def clock(there_s: float, *, now_s: float) -> Finding:
    """`there_s` is what AgentWatch's clock said just now."""
    apart_s = now_s - there_s
    if abs(apart_s) <= CLOCK_S_MAX:
        return well("clock", f"this machine's is {abs(apart_s):.0f} s from AgentWatch's")
    way = "ahead of" if apart_s > 0 else "behind"
    return wrong("clock", f"this machine's is {abs(apart_s):.0f} s {way} AgentWatch's", "set it by NTP (`timedatectl`)")


def date_of(reply: Reply) -> float | None:
    """What its header says, which the platform sets; the local stack does not."""
    try:
        return parsedate_to_datetime(reply.headers["date"]).timestamp()
    except (KeyError, ValueError):
        return None


def token(place: Deployed) -> tuple[Finding, Reply]:
    who = place.get("/v1/whoami")
    if who.status == 200:
        of = who.get("tenant") or "no tenant"
        return well("token", f"{who.get('actor')}, {who.get('role')} of {of}"), who
    if who.status == 401:
        advice = "log in with another one (`agentwatch login`), or make one: `agentwatch tenant admin-key`"
        return wrong("token", f"it is not known: {who.words}", advice), who
    return wrong("token", who.words, "the Worker's log says more: `npx wrangler tail`"), who


def entrance(place: Deployed, *, seen: dict[str, Reply]) -> Iterator[Finding]:
    """All of them; what was answered is left in `seen`. Without a date the clock is looked at later."""
    finding, health = address(place)
    yield finding
    if finding.verdict != "well":
        return
    seen["health"] = health
    there_s = date_of(health)
    if there_s is not None:
        yield clock(there_s, now_s=time.time())
    finding, seen["whoami"] = token(place)
    yield finding


def sign_on(place: Deployed, settings: dict[str, bool]) -> Iterator[Finding]:
    """Only where people sign on by Cloudflare Access."""
    if settings.get("ACCESS_TEAM_DOMAIN") and place.url.endswith(".workers.dev"):
        yield note(
            "sign-on",
            f"{place.url} answers beside Access: assertions are verified all the same",
            "give the Worker a custom domain; `workers_dev = false` and `preview_urls = false` in wrangler.toml",
        )
