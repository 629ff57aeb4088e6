"""The keys by which an Access team signs: asked of its server, believed for an hour, and not asked for again because
somebody made a key id up.

A key that is not among them may be a new one, so the server is asked then, at most once a minute and by one request
for all that wait. While it is away, keys that are known go on for a day; after that nobody can tell, and nobody is let
in. The rule easy to break: a request must not wait for what another one has begun, whose connections are not its own,
so it looks again now and then instead.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from core.refusals import TenantsUnavailable
from core.tenant.sign_on.key_set import InvalidKeySet, PublicKey, parse_key_set
from ports import KeyServerUnreachable, Ports

FRESH_MS = 3_600_000
"""A team's keys turn every six weeks, and an old one is good for a week more."""
KEPT_MS = 24 * 3_600_000
ASKED_AGAIN_AFTER_MS = 60_000
FAILED_AGAIN_AFTER_MS = 5_000
"""Where nothing is known that could do meanwhile."""

ANSWERED_WITHIN_MS = 4_000
"""A request that asks is given up on by those who wait for it: it has failed by then (`bindings/deadlines.py`), or its
isolate has let it go."""
LOOKED_AGAIN_AFTER_MS = 50


@dataclass(slots=True)
class TeamKeys:
    """What this isolate knows of one team's keys."""

    _keys: Mapping[str, PublicKey] = field(default_factory=dict)
    _read_at_ms: int | None = None
    _has_failed: bool = False
    """The last time that the server was asked."""
    _ask_again_at_ms: int = 0
    _asking_until_ms: int = 0
    """Some request is asking; zero while none is."""

    async def find(self, key_id: str, url: str, ports: Ports) -> PublicKey | None:
        """None where the team has no such key. Raises `TenantsUnavailable` where that cannot be told."""
        if key_id not in self._keys or not self._is_younger_than(FRESH_MS, ports):
            await self._refresh(url, ports)
        key = self._keys.get(key_id) if self._is_younger_than(KEPT_MS, ports) else None
        if key is None and self._has_failed:
            raise TenantsUnavailable(
                "sign-on cannot be checked just now: the team's keys cannot be read",
                retry_after_ms=FAILED_AGAIN_AFTER_MS,
            )
        return key

    def _is_younger_than(self, age_ms: int, ports: Ports) -> bool:
        return self._read_at_ms is not None and ports.clock.now_ms() < self._read_at_ms + age_ms

    async def _refresh(self, url: str, ports: Ports) -> None:
        """Ask the server, or wait for the request that does, or leave it where that was done just now."""
        while (now_ms := ports.clock.now_ms()) < self._asking_until_ms:
            await ports.clock.sleep_ms(LOOKED_AGAIN_AFTER_MS)
        if now_ms < self._ask_again_at_ms:
            return
        self._asking_until_ms = now_ms + ANSWERED_WITHIN_MS
        self._ask_again_at_ms = now_ms + ASKED_AGAIN_AFTER_MS
        self._has_failed = True  # until it has not: who asks may be gone before there is an answer
        try:
            self._keys = parse_key_set(await ports.fetch_key_set(url))
        except (KeyServerUnreachable, InvalidKeySet):
            if not self._is_younger_than(KEPT_MS, ports):
                self._ask_again_at_ms = now_ms + FAILED_AGAIN_AFTER_MS
        else:
            self._read_at_ms, self._has_failed = ports.clock.now_ms(), False
        finally:
            self._asking_until_ms = 0
