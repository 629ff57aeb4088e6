"""Whose fault a failed attempt is, and what follows: whether the next hop is tried, and what cools down.

A status is not a class: 400, 402, 404 and 413 hold troubles of the provider's side, 403 and 429 verdicts on the prompt
and empty accounts. So a failure is classed by provider, status, code and message (`failure_rules`), and everything else
follows from its class (`CLASSES`). An error in place of an answer, or within a stream, is classed as the status that it
stands for would be.

The rule easy to break: a verdict, a bad request and a caller's own trouble never move on by themselves and cool nothing
down. An outage chain must not become a way round a refusal, nor one bad prompt the reason why others wait.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import msgspec

from core.ledger.health.notes import MINUTE_MS, CoolDown, cap_ms
from core.ledger.health.targets import Scope
from core.routing.failure_rules import FailureKind, kind_of, status_of_words
from core.routing.provider_words import NO_WORDS, ProviderWords, document_of, error_in, words_of
from core.routing.when_again import said_again_ms
from core.tenant.failover.triggers import DEFAULT_TRIGGERS, Trigger
from core.wire.json_members import NO_MEMBERS, Members

Silence = Literal["network", "timeout", "uncertain", "caller"]
"""No answer: the connection failed before anything was sent; nothing came in time; it broke, or may have, after the
request was sent, so that the provider may bill it; the caller went away, or its own deadline passed."""


EMPTY_MS = 10 * MINUTE_MS
"""An account does not fill itself, whatever hint stands beside (Google states seconds with a quota per day)."""


@dataclass(frozen=True, slots=True)
class Class:
    """What follows from a failure's kind. `word` is how a tenant's list of triggers names it; None: it never moves on.
    A `scope` without a `guess_ms` counts towards a cool-down unless the provider states one."""

    word: Trigger | None
    by_status: bool = True
    """A list of triggers may name it by the status of the answer, too."""
    scope: Scope | None = None
    guess_ms: int | None = None
    least_ms: int = 1_000
    """Whatever is stated."""


CLASSES: dict[FailureKind, Class] = {
    "provider": Class("5xx", scope="model"),
    "network": Class("network", scope="provider"),
    "timeout": Class("timeout", scope="model"),
    "uncertain": Class("network", scope="provider"),
    "rate": Class("429", scope="model", guess_ms=30_000),
    "empty_account": Class("empty_account", scope="account", guess_ms=EMPTY_MS, least_ms=EMPTY_MS),
    "location": Class("403", scope="place", guess_ms=2 * MINUTE_MS),
    "key": Class("key", scope="account", guess_ms=5 * MINUTE_MS),
    "too_large_for_key": Class("429"),
    "too_large_for_window": Class("too_large"),
    "bad_tool_call": Class("bad_tool_call"),
    "model": Class("404", scope="model", guess_ms=10 * MINUTE_MS),
    "verdict": Class("refusal", by_status=False),
    "empty_answer": Class("empty", by_status=False),
    "foreign_history": Class(None),
    "bad_request": Class(None),
    "caller": Class(None),
}
"""What a failure's kind entails. `provider` is counted by model, since one model is often overloaded alone; what does
not even connect, by provider. A first word that does not come is the model's, too: hosts answer fast or not at all."""

STATUS_WORDS = ("403", "404", "429")
"""Statuses that are words themselves: of the failures with such a status those move on whose kind ever does. What needs
the tenant's own word (`refusal`, `empty`) no status stands for. An error within a 200 counts as what it stands for."""


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """A failed attempt. `status` is that of the answer, or what the error in its place stands for; None where there was
    no answer."""

    kind: FailureKind
    status: int | None
    code: str | None = None
    moves_on: bool
    """Whether the next hop is tried where the tenant has no list of its own (`is_asked_for`)."""
    cools: CoolDown | None = None
    retry_after_ms: int | None = None
    is_ours: bool = False
    """Where the body was translated, it is our translation that was refused: to be told to ourselves."""

    @property
    def skips_account(self) -> bool:
        """No later hop with the same credential at the same provider can do better."""
        return self.kind in ("empty_account", "key")

    @property
    def needs_larger_window(self) -> bool:
        """Only a hop whose model takes more can do better."""
        return self.kind == "too_large_for_window"

    @property
    def tells_operator(self) -> bool:
        """Somebody has to pay, or to change a key."""
        return self.cools is not None and self.kind in ("empty_account", "key")

    @property
    def wants_repair(self) -> bool:
        """The history has parts of another provider's making: without them the same hop may serve."""
        return self.kind == "foreign_history"

    @property
    def shown_status(self) -> int:
        """The status to answer a caller with. A provider's 402 would look like our own refusal for a budget, and its
        redirects lead nowhere."""
        if self.status is None:
            return 504 if self.kind in ("timeout", "uncertain") else 502
        return self.status if 400 <= self.status <= 599 and self.status != 402 else 502


def classify(
    provider: str, *, status: int, headers: Mapping[str, str], body: bytes, is_own_key: bool, now_ms: int
) -> Failure:
    """An answer that is a failure by its status. `is_own_key` says that the credential is the caller's own."""
    words = words_of(body)
    kind, is_ours = kind_of(provider, status, words)
    retry_ms = said_again_ms(provider, status=status, headers=headers, words=words, now_ms=now_ms)
    return _failure(kind, status, words, retry_ms, is_own_key=is_own_key, is_ours=is_ours)


def error_in_place(
    provider: str, body: bytes, *, headers: Mapping[str, str], is_own_key: bool, now_ms: int
) -> Failure | None:
    """An error in place of an answer (200), or in the data of one event of a stream; None where it is something else.
    `headers` are those of the answer."""
    if b'"error"' not in body and b"response.failed" not in body:
        return None
    document = document_of(body)
    if document is NO_MEMBERS or not _is_error(document):
        return None
    words = words_of(body)
    status = status_of_words(words)
    kind, is_ours = kind_of(provider, status, words)
    retry_ms = said_again_ms(provider, status=status, headers=headers, words=words, now_ms=now_ms)
    return _failure(kind, status, words, retry_ms, is_own_key=is_own_key, is_ours=is_ours)


def of_silence(kind: Silence) -> Failure:
    """No answer came."""
    return _failure(kind, None, NO_WORDS, None, is_own_key=False, is_ours=False)


def of_answer(kind: Literal["verdict", "empty_answer"]) -> Failure:
    """An answer that came, and is a refusal or empty (`answer_faults`)."""
    return _failure(kind, 200, NO_WORDS, None, is_own_key=False, is_ours=False)


def is_asked_for(failure: Failure, on: frozenset[str]) -> bool:
    """Whether the next hop is to be tried, by a tenant's list of triggers."""
    if failure.kind == "key" and failure.cools is None:
        return False  # the caller's own key: its owner has to know
    return not triggers_of(failure).isdisjoint(on)


def triggers_of(failure: Failure) -> frozenset[str]:
    """The words by which a list may name it."""
    row, status = CLASSES[failure.kind], str(failure.status)
    if row.word is None:
        return frozenset()
    return frozenset({row.word, status} if row.by_status and status in STATUS_WORDS else {row.word})


def _is_error(document: Members) -> bool:
    if document.word("type") in ("error", "response.failed"):
        return True
    error = error_in(document)
    return error is not document or bool(document.word("error"))


def _failure(
    kind: FailureKind,
    status: int | None,
    words: ProviderWords,
    retry_ms: int | None,
    *,
    is_own_key: bool,
    is_ours: bool,
) -> Failure:
    is_callers = kind == "key" and is_own_key
    found = Failure(
        kind=kind,
        status=status,
        code=words.code,
        moves_on=False,
        cools=None if is_callers else _cool_down(kind, retry_ms),
        retry_after_ms=retry_ms,
        is_ours=is_ours,
    )
    return msgspec.structs.replace(found, moves_on=is_asked_for(found, DEFAULT_TRIGGERS))


def _cool_down(kind: FailureKind, stated_ms: int | None) -> CoolDown | None:
    row = CLASSES[kind]
    if row.scope is None:
        return None
    wanted_ms = row.guess_ms if stated_ms is None else max(stated_ms, row.least_ms)
    is_stated = stated_ms is not None and wanted_ms == stated_ms
    cool_ms = None if wanted_ms is None else min(wanted_ms, cap_ms(kind, is_stated=is_stated))
    return CoolDown(row.scope, cool_ms, is_stated)
