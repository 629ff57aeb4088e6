"""Targets, notes and questions with good defaults."""

from core.ledger.health.book import NO_TROUBLES, Clear, Cooling, HealthBook, Probe, admitted, noted
from core.ledger.health.notes import CoolDown, failed, served
from core.ledger.health.targets import Target

NOW_MS = 1_790_000_000_000
LEASE_MS = 60_000
GPT = Target("openai", "k1", "gpt", "HKG")
MINI = Target("openai", "k1", "mini", "HKG")
GPT_OTHER_KEY = Target("openai", "k2", "gpt", "HKG")
GPT_ELSEWHERE = Target("openai", "k1", "gpt", "FRA")
CLAUDE = Target("anthropic", "k1", "claude", "HKG")
TARGETS = (GPT, MINI, GPT_OTHER_KEY, GPT_ELSEWHERE, CLAUDE)


def fails(
    book: HealthBook = NO_TROUBLES,
    target: Target = GPT,
    *,
    kind: str = "provider",
    scope="model",
    cool_ms: int | None = None,
    is_stated: bool = False,
    at_ms: int = NOW_MS,
    began_at_ms: int | None = None,
    hold_id: str = "",
    times: int = 1,
) -> HealthBook:
    cools = CoolDown(scope, cool_ms, is_stated)
    for _ in range(times):
        note = failed(target, kind, cools, at_ms - 1 if began_at_ms is None else began_at_ms)
        book = noted(book, note, at_ms, hold_id=hold_id)
    return book


def serves(
    book: HealthBook,
    target: Target = GPT,
    *,
    at_ms: int = NOW_MS,
    began_at_ms: int | None = None,
    hold_id: str = "",
    times: int = 1,
) -> HealthBook:
    for _ in range(times):
        note = served(target, at_ms - 1 if began_at_ms is None else began_at_ms)
        book = noted(book, note, at_ms, hold_id=hold_id)
    return book


def limited(book: HealthBook = NO_TROUBLES, target: Target = GPT, cool_ms: int = 1_000, **more) -> HealthBook:
    """A 429 that states when to come again."""
    return fails(book, target, kind="rate", cool_ms=cool_ms, is_stated=True, **more)


def asks(
    book: HealthBook,
    target: Target = GPT,
    *,
    at_ms: int = NOW_MS,
    hold_id: str = "rsv_1",
    lease_ms: int = LEASE_MS,
    insists: bool = False,
) -> tuple[Clear | Probe | Cooling, HealthBook]:
    return admitted(book, target, hold_id=hold_id, lease_ms=lease_ms, now_ms=at_ms, insists=insists)


def is_kept_away(book: HealthBook, target: Target = GPT, *, at_ms: int = NOW_MS) -> bool:
    return isinstance(asks(book, target, at_ms=at_ms)[0], Cooling)
