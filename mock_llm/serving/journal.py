"""The provider's truth: every call, what it really generated, and what it would have been billed.

A call is opened when its request has arrived and closed once. When the client goes away the
generation stops and the input and the tokens generated until then are billed; a call that failed
bills nothing. Entries beyond a bound are dropped, oldest first, while the totals go on counting. A
key is kept as a short digest only.
"""

from collections import OrderedDict
from typing import Literal

import msgspec

from mock_llm.selling.usage import Usage

ENTRIES_MAX = 50_000
BODIES_BYTES_MAX = 128 * 1024 * 1024

Ending = Literal["running", "complete", "client_disconnected", "fault_cut", "error"]
TotalsKey = tuple[str, str | None, str | None]


class Entry(msgspec.Struct, kw_only=True):
    """One call. Not frozen: it is the live record of a call that is still being written."""

    id: int
    provider: str
    method: str
    path: str
    query: str
    tag: str | None
    key_sha256: str | None
    key_place: str | None
    header_names: tuple[str, ...]
    headers: dict[str, str]
    body_sha256: str
    body_bytes: int
    at_ms: int
    model: str | None = None
    operation: str | None = None
    stream: bool = False
    service_tier: str | None = None
    status: int | None = None
    error: str | None = None
    started_at_ms: int | None = None
    ended_at_ms: int | None = None
    ended: Ending = "running"
    usage: Usage = Usage()
    generated_tokens: int = 0
    delivered_tokens: int = 0
    disconnected_at_token: int | None = None
    billed_nanousd: int = 0


class Totals(msgspec.Struct, kw_only=True):
    """Sums over calls. `running` ones are in `calls` but not yet in the sums."""

    calls: int = 0
    running: int = 0
    failed: int = 0
    disconnected: int = 0
    generated_tokens: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    billed_nanousd: int = 0

    def add(self, other: "Totals") -> None:
        for name in self.__struct_fields__:
            setattr(self, name, getattr(self, name) + getattr(other, name))


class ModelTotals(msgspec.Struct, frozen=True):
    provider: str
    model: str | None
    totals: Totals


class Summary(msgspec.Struct, frozen=True):
    totals: Totals
    models: tuple[ModelTotals, ...]
    dropped_entries: int


class Filter(msgspec.Struct, frozen=True):
    """Which calls to show; what is None does not matter."""

    provider: str | None = None
    model: str | None = None
    tag: str | None = None
    since_ms: int = 0

    def admits(self, entry: Entry) -> bool:
        return (
            self.provider in (None, entry.provider)
            and self.model in (None, entry.model)
            and self.tag in (None, entry.tag)
            and entry.at_ms >= self.since_ms
        )


class Journal:
    """All calls since the start or the last `clear`."""

    def __init__(self) -> None:
        self._next_id = 1
        self.clear()

    def clear(self) -> None:
        """Forgets every call; one still running is no longer counted when it ends."""
        self._entries: OrderedDict[int, Entry] = OrderedDict()
        self._bodies: OrderedDict[int, bytes] = OrderedDict()
        self._bodies_bytes = 0
        self._totals: dict[TotalsKey, Totals] = {}
        self._running: dict[int, Totals] = {}
        self._dropped = 0

    def next_id(self) -> int:
        taken = self._next_id
        self._next_id += 1
        return taken

    def open(self, entry: Entry, body: bytes) -> None:
        self._entries[entry.id] = entry
        self._bodies[entry.id] = body
        self._bodies_bytes += len(body)
        if len(self._entries) > ENTRIES_MAX:
            self._entries.popitem(last=False)
            self._dropped += 1
        while self._bodies_bytes > BODIES_BYTES_MAX or len(self._bodies) > ENTRIES_MAX:
            self._bodies_bytes -= len(self._bodies.popitem(last=False)[1])

    def start(self, entry: Entry) -> None:
        """Counts the call under its model, which is known by now or never will be."""
        totals = self._totals.setdefault((entry.provider, entry.model, entry.tag), Totals())
        totals.calls += 1
        totals.running += 1
        self._running[entry.id] = totals

    def close(self, entry: Entry, ended: Ending, *, at_ms: int) -> None:
        """Ends a call, once, with the usage and the bill it has by now."""
        assert entry.ended == "running", "a call ends once"
        entry.ended = ended
        entry.ended_at_ms = at_ms
        totals = self._running.pop(entry.id, None)
        if totals is None:
            return
        totals.running -= 1
        totals.failed += ended == "error"
        totals.disconnected += ended == "client_disconnected"
        totals.generated_tokens += entry.generated_tokens
        totals.prompt_tokens += entry.usage.prompt_tokens
        totals.completion_tokens += entry.usage.completion_tokens
        totals.billed_nanousd += entry.billed_nanousd

    def entries(self, wanted: Filter) -> list[Entry]:
        return [entry for entry in self._entries.values() if wanted.admits(entry)]

    def entry(self, entry_id: int) -> Entry | None:
        return self._entries.get(entry_id)

    def body(self, entry_id: int) -> bytes | None:
        return self._bodies.get(entry_id)

    def summary(self, wanted: Filter) -> Summary:
        """Totals by model, of one tag or of all; `since_ms` has no meaning for a total."""
        overall = Totals()
        by_model: dict[tuple[str, str | None], Totals] = {}
        for (provider, model, tag), totals in self._totals.items():
            if wanted.tag not in (None, tag) or wanted.provider not in (None, provider):
                continue
            if wanted.model not in (None, model):
                continue
            by_model.setdefault((provider, model), Totals()).add(totals)
            overall.add(totals)
        models = tuple(ModelTotals(*key, totals) for key, totals in by_model.items())
        return Summary(overall, models, self._dropped)
