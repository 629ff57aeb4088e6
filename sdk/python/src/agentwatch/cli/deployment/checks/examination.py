"""All checks of a deployment in their order, for whoever's token it is: an operator sees its parts, an administrator
these and his tenant's, anybody else what he can do himself.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

from ..deployed import Deployed, Reply
from . import parts, provider_checks
from .entrance import clock, date_of, entrance, sign_on
from .findings import Finding, note, unknown, well, wrong
from .parts import Pause

KEY_LIVES_MS = 300_000


@dataclass(frozen=True)
class Means:
    """What the checks may use besides the token."""

    call_token: str = ""
    """Of a key that makes calls."""
    may_make_key: bool = False
    """Make one for the time of the checks, where the token's own makes none."""


def examine(place: Deployed, means: Means, *, pause: Pause = time.sleep) -> Iterator[Finding]:
    seen: dict[str, Reply] = {}
    yield from entrance(place, seen=seen)
    who = seen.get("whoami", Reply(None))
    if who.status != 200:
        return
    role = who.get("role")
    health = place.get("/v1/doctor") if role in ("admin", "operator") else Reply(403)
    settings = health.get("settings") or {}
    if health.status == 403:
        yield unknown("parts", "seen by administrators and the operator only", "choose another profile with --profile")
    elif health.status != 200:
        yield wrong("parts", f"/v1/doctor: {health.words}", "deploy the version that this command came with")
    else:
        if date_of(seen["health"]) is None:
            yield clock(int(health.get("now_at") or 0) / 1_000, now_s=time.time())
        yield from parts.parts(place, health, pause=pause)
        yield from sign_on(place, settings)
        if role == "admin":
            yield parts.telemetry(place, health.headers.get("x-agentwatch-request-id", ""), pause=pause)
    if role == "operator":
        yield unknown("calls", "an operator makes none", "choose a tenant's profile with --profile")
    else:
        yield from _calls(place, who, settings, means)


def _calls(place: Deployed, who: Reply, settings: dict[str, bool], means: Means) -> Iterator[Finding]:
    names = provider_checks.with_keys(settings, place.get("/v1/provider-keys"))
    if who.get("role") != "admin":
        names = tuple(provider_checks.MODELS_PATHS)
    if not names:
        yield note("calls", "no provider has a key", "`agentwatch provider-key set`, or a secret of the Worker")
    elif means.call_token:
        yield from provider_checks.providers(Deployed(place.url, means.call_token), names)
    elif who.get("calls"):
        yield from provider_checks.providers(place, names)
    elif means.may_make_key:
        yield from _with_a_key(place, names)
    else:
        yield unknown(
            "calls", "this key makes none", "give one that does in AGENTWATCH_CALL_KEY, or let one be made: --make-key"
        )


def _with_a_key(place: Deployed, names: tuple[str, ...]) -> Iterator[Finding]:
    """A key of some minutes, which is revoked whatever happens; and so is tried, too."""
    terms = {"name": "doctor", "role": "developer", "expires_at": int(time.time() * 1_000) + KEY_LIVES_MS}
    made = place.post("/v1/keys", terms)
    token, key_id = made.get("token"), made.get("key_id")
    if made.status != 201 or not token:
        yield wrong("calls", f"no key can be made: {made.words}", "`agentwatch key create` says more")
        return
    caller = Deployed(place.url, str(token))
    try:
        yield from provider_checks.providers(caller, names)
    finally:
        revoked = place.ask("DELETE", f"/v1/keys/{key_id}")
    if revoked.status != 200:
        yield wrong(
            "revocation", f"{key_id}: {revoked.words}", f"it ends in five minutes; `agentwatch key revoke {key_id}`"
        )
        return
    after = provider_checks.least_call(caller, provider_checks.SMALL_MODELS[names[0]])
    if after.status == 401:
        yield well("revocation", "a revoked key's next metered call is refused")
    else:
        yield wrong(
            "revocation", f"a revoked key's call: {after.words}", "look at the Worker's log: `npx wrangler tail`"
        )
