"""Provider keys that an isolate has opened, so that a call waits for no cryptography. It holds the Worker's own keys in
the same way.

The rule easy to break: an opened key is found by the very text that it was sealed in, and by its tenant. So a key that
was changed is never used once its document is known, and one that has not been opened is not there.
"""

from dataclasses import dataclass, field

KEPT_MAX = 1_000
"""At up to 10 KB each, mostly 500 bytes. The oldest goes first."""


@dataclass(slots=True)
class OpenedKeys:
    _by_sealed: dict[tuple[str, str], str] = field(default_factory=dict, repr=False)

    def find(self, tenant: str, sealed: str) -> str | None:
        return self._by_sealed.get((tenant, sealed))

    def put(self, tenant: str, sealed: str, plain: str) -> None:
        while len(self._by_sealed) >= KEPT_MAX:
            del self._by_sealed[next(iter(self._by_sealed))]
        self._by_sealed[tenant, sealed] = plain
