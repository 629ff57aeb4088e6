"""The `Services` in memory: a database that keeps rows by key and finds fault with those it is told to.

It answers as PostgREST does, in statuses and in error bodies, and it can be told to be away.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import msgspec

from core.ledger.document_messages import CopyRequest
from core.ledger.messages import Conflict, PresentDocuments, Recorded, Settled
from core.ledger.trials.messages import Trial, TrialRequest
from core.telemetry import Settlement
from ports import Sealing
from rows import CONFLICT_TARGETS
from services import Answer, Unreachable
from tests.support.aes_sealing import AesSealing

POISON = "poison"
"""A row with this project cannot be stored."""

Trouble = Literal["none", "away", "unheard", "busy"]
"""What goes wrong with one request: nobody is there, it takes effect and nobody says so, or it is refused for now."""


def fault(status: int, code: str, message: str = "no") -> Answer:
    return Answer(status, msgspec.json.encode({"code": code, "message": message}).decode())


@dataclass
class ScriptedServices:
    """`refusal` answers every insert instead of the database; `is_*_away` makes a part unreachable."""

    refusal: Answer | None = None
    is_database_away: bool = False
    is_grave_away: bool = False
    is_poison_good: bool = False
    troubles: list[Trouble] = field(default_factory=list)
    """Of the inserts and burials to come, in turn."""
    allows_private_receivers: bool = False
    configs: dict[str, str] = field(default_factory=dict)
    webhook_answers: list[Answer] = field(default_factory=list)
    rpc_answers: dict[str, Answer | list[Answer]] = field(default_factory=dict)
    """A list is answered in turn."""
    tables: dict[str, dict[tuple[Any, ...], dict[str, Any]]] = field(default_factory=lambda: defaultdict(dict))
    dispatches: dict[tuple[str, str, str], str | None] = field(default_factory=dict)
    buried: list[dict[str, str]] = field(default_factory=list)
    burials: list[list[str]] = field(default_factory=list)
    """What each request for it brought, heeded or not."""
    ledgers: Callable[[str], Any] | None = None
    """The Ledger of a tenant; None where they are away."""
    told: list[tuple[str, str]] = field(default_factory=list)
    headers: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    """Of every try."""
    sealing: Sealing = field(default_factory=AesSealing)
    at_ms: int = 1_795_478_400_000
    takes_ms: int = 0
    """What a try takes."""
    inserts: list[tuple[str, int]] = field(default_factory=list)
    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    """What was said of replays."""

    async def rest(self, path: str, body: str, *, prefer: str) -> Answer:
        if self.is_database_away:
            raise Unreachable
        name, _, query = path.partition("?")
        if name.startswith("rpc/"):
            return self._call(name.removeprefix("rpc/"), msgspec.json.decode(body))
        assert query == f"on_conflict={CONFLICT_TARGETS[name]}"
        assert prefer == "resolution=ignore-duplicates,return=minimal"
        trouble = self._trouble()
        if trouble == "busy":
            return Answer(503, "")
        answer = self.refusal or self._insert(name, msgspec.json.decode(body))
        if trouble == "unheard":
            raise Unreachable
        return answer

    def now_ms(self) -> int:
        return self.at_ms

    async def post(self, url: str, body: str, headers: Mapping[str, str]) -> Answer:
        self.headers.append((url, dict(headers)))
        self.at_ms += self.takes_ms
        answer = self.webhook_answers.pop(0) if self.webhook_answers else Answer(200, "ok")
        if answer.status == 0:
            raise Unreachable
        self.told.append((url, body))
        return answer

    async def tenant_config(self, tenant: str) -> str | None:
        return self.configs.get(tenant)

    async def present_documents(self, tenant: str) -> str | None:
        if self.ledgers is None:
            raise Unreachable
        present: PresentDocuments = await self.ledgers(tenant).tell(CopyRequest())
        return present.text or None

    async def unseal(self, sealed: str, bound_to: bytes) -> str:
        return await self.sealing.unseal(sealed, bound_to)

    async def note_trial(self, tenant: str, trial_id: str, outcome: Trial) -> None:
        if self.ledgers is None:
            raise Unreachable
        await self.ledgers(tenant).tell(TrialRequest(trial_id=trial_id, outcome=outcome))

    async def charge(self, tenant: str, charge: Settlement) -> Settled | Recorded | Conflict:
        if self.ledgers is None:
            raise Unreachable
        answer: Settled | Recorded | Conflict = await self.ledgers(tenant).tell(charge)
        return answer

    async def bury(self, texts: Sequence[str]) -> None:
        self.burials.append(list(texts))
        trouble = self._trouble()
        if self.is_grave_away or trouble == "busy":
            raise Unreachable
        self.buried += [msgspec.json.decode(text) for text in texts]
        if trouble == "unheard":
            raise Unreachable

    def _trouble(self) -> Trouble:
        trouble = self.troubles.pop(0) if self.troubles else "none"
        if trouble == "away":
            raise Unreachable
        return trouble

    def _insert(self, table: str, rows: list[dict[str, Any]]) -> Answer:
        self.inserts.append((table, len(rows)))
        assert len({tuple(sorted(row)) for row in rows}) == 1, "PostgREST wants uniform keys"
        if not self.is_poison_good and any(row.get("project") == POISON for row in rows):
            return fault(400, "22003", "value out of range")
        for row in rows:
            key = tuple(row[column] for column in CONFLICT_TARGETS[table].split(","))
            self.tables[table].setdefault(key, row)
        return Answer(201, "")

    def _call(self, function: str, arguments: dict[str, Any]) -> Answer:
        if function == "finish_replay":
            self.calls.append((function, arguments))
        if function in self.rpc_answers:
            answers = self.rpc_answers[function]
            return answers.pop(0) if isinstance(answers, list) else answers
        key = (arguments["p_tenant"], arguments["p_kind"], arguments["p_key"])
        if function == "claim_dispatch":
            if key in self.dispatches:
                return Answer(200, '"busy"' if self.dispatches[key] is None else '"finished"')
            self.dispatches[key] = None
            return Answer(200, '"claimed"')
        assert function == "finish_dispatch"
        if arguments["p_result"] is None:
            del self.dispatches[key]
        else:
            self.dispatches[key] = arguments["p_result"]
        return Answer(204, "")
