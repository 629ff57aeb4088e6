"""The last steps of every deployment: who runs it, its first tenant, and that tenant's administrator, as profiles here.

The rule easy to break: a token is shown once. So the place where it will be kept is tried before it is made, and one
that was lost on the way is replaced by a further one, never guessed.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from ...profiles.store import Profile, ProfileStore
from ..deployed import Deployed, Reply
from .steps import Standing, Step, StepFailed

ANSWERS_WITHIN_S = 120
"""A new name of a Worker, and a secret that was just set, need a while to be everywhere."""

PAUSE_S = 3.0


class Profiles:
    """Where addresses and tokens are kept on this machine, by name."""

    def __init__(self, store: ProfileStore) -> None:
        self._store = store

    def find(self, name: str) -> Deployed | None:
        profile = self._store.read().get(name)
        return None if profile is None else Deployed(profile.base_url, profile.token)

    def check(self) -> None:
        """Raises `CommandFailed` where nothing could be kept."""
        self._store.check()

    def put(self, name: str, place: Deployed) -> None:
        self._store.put(name, Profile(place.url, place.token))


@dataclass(frozen=True)
class Names:
    tenant: str
    profile: str

    @property
    def operator(self) -> str:
        """The profile of whoever runs the deployment."""
        return f"{self.profile}-operator"


def tenant_step(names: Names, profiles: Profiles, *, pause: Callable[[float], None] = time.sleep) -> Step:
    """Needs the operator's profile."""

    def look() -> Standing:
        place = profiles.find(names.profile)
        if place is None:
            return Standing(False, f"there is no profile {names.profile}")
        who = place.get("/v1/whoami")
        if who.status != 200:
            return Standing(False, f"profile {names.profile} is not let in at {place.url}: {who.words}")
        if (who.get("tenant"), who.get("role")) != (names.tenant, "admin"):
            return Standing(
                False,
                f"profile {names.profile} is {who.get('role')} of {who.get('tenant')}, no admin of {names.tenant}",
            )
        return Standing(True, f"profile {names.profile}, admin of {names.tenant} at {place.url}")

    def run() -> None:
        operator = profiles.find(names.operator)
        if operator is None:
            raise StepFailed(f"there is no profile {names.operator}")
        present = profiles.find(names.profile)
        if present is not None and present.url != operator.url:
            raise StepFailed(f"profile {names.profile} is of {present.url}: name another one with --profile")
        profiles.check()
        _until_known(operator, pause)
        profiles.put(names.profile, Deployed(operator.url, _admin_token(operator, names.tenant)))

    return Step(
        f"tenant {names.tenant}, its administrator's key as profile {names.profile}",
        (f'POST /v1/tenants {{"tenant": "{names.tenant}"}}',),
        look,
        run,
    )


def _until_known(operator: Deployed, pause: Callable[[float], None]) -> None:
    waited = 0.0
    while (who := operator.get("/v1/whoami")).status != 200:
        if waited >= ANSWERS_WITHIN_S:
            raise StepFailed(f"{operator.url} does not know the operator's token: {who.words}")
        pause(PAUSE_S)
        waited += PAUSE_S


def _admin_token(operator: Deployed, tenant: str) -> str:
    """Of a new tenant, or a further one where the tenant is there already."""
    known = operator.get(f"/v1/tenants/{tenant}")
    if known.status == 200:
        made = operator.post(f"/v1/tenants/{tenant}/admin-key", {})
        return _token(made, made.get("token"))
    made = operator.post("/v1/tenants", {"tenant": tenant})
    return _token(made, made.get("admin_key", "token"))


def _token(made: Reply, token: object) -> str:
    if made.status != 201 or not isinstance(token, str) or not token:
        raise StepFailed(f"no administrator's key was made: {made.words}")
    return token
