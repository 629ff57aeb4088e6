"""What a ledger should say, computed the slow way: a list of holds, summed up afresh for every question.

It knows no rows, numbers, checkpoints or windows that turn: a hold remembers the names of the windows it was made in,
and an account is the sum of what bears its name today.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime

DAY_MS = 24 * 3_600_000
Scope = tuple[str, str, str]


@dataclass
class NaiveHold:
    """One call's money, in the windows it was made in."""

    windows: dict[Scope, object]
    granted: int
    expires_at_ms: int
    floor: int = 0
    metered: int | None = None
    charged: int | None = None
    overrun: int = 0
    was_expired: bool = False
    is_settled: bool = False
    forgotten_by: set[Scope] = field(default_factory=set)
    most: int | None = None
    """Its caller's own limit for this call alone."""
    correction: int = 0
    """What a late settlement charged above the expiry."""

    @property
    def is_open(self) -> bool:
        return self.charged is None


@dataclass
class NaiveSession:
    """One life of a session id."""

    number: int
    used_at_ms: int
    owner: str | None = None
    limit: int | None = None
    stated: int | None = None
    is_decided: bool = False
    is_paused: bool = False


class NaiveLedger:
    """Tenant `acme`."""

    def __init__(self) -> None:
        self.holds: dict[str, NaiveHold] = {}
        self.lives: dict[str, NaiveSession] = {}
        self.limits: dict[Scope, int | None] = {}
        self.told: set[tuple[str, Scope, object, int]] = set()
        self.rounds: dict[tuple[Scope, object], int] = {}

    # Windows ------------------------------------------------------------------------------------------

    def window(self, scope: Scope, now_ms: int) -> object:
        """The name of the scope's present window."""
        kind, name, window = scope
        if kind == "session":
            life = self.life(name, now_ms)
            return None if life is None else life.number
        moment = datetime.fromtimestamp(now_ms / 1000, UTC)
        return {"day": moment.strftime("%Y-%m-%d"), "month": moment.strftime("%Y-%m"), "total": "total"}[window]

    def life(self, session: str, now_ms: int) -> NaiveSession | None:
        """The session, if it lives: used within a day, or something is held on it."""
        life = self.lives.get(session)
        if life is None:
            return None
        scope = ("session", session, "session")
        is_held = any(hold.is_open and hold.granted and hold.windows.get(scope) == life.number
                      for hold in self.holds.values())  # fmt: skip
        return life if is_held or now_ms < life.used_at_ms + DAY_MS else None

    def use(self, session: str | None, now_ms: int) -> NaiveSession | None:
        """The session lives on, or begins anew."""
        if session is None:
            return None
        life = self.life(session, now_ms)
        if life is None:
            known = self.lives.get(session)
            life = self.lives[session] = NaiveSession(1 if known is None else known.number + 1, now_ms)
        life.used_at_ms = max(life.used_at_ms, now_ms)
        return life

    def scopes(self, session: str | None, team: str | None) -> list[Scope]:
        scopes = [] if session is None else [("session", session, "session")]
        scopes += [] if team is None else [("team", team, "month")]
        return scopes + [("tenant", "acme", window) for window in ("day", "month", "total")]

    # Sums ---------------------------------------------------------------------------------------------

    def on(self, scope: Scope, now_ms: int) -> list[NaiveHold]:
        """The holds that stand on the scope's present window."""
        window = self.window(scope, now_ms)
        if window is None:
            return []
        return [hold for hold in self.holds.values() if hold.windows.get(scope) == window]

    def held(self, scope: Scope, now_ms: int) -> int:
        return sum(hold.granted for hold in self.on(scope, now_ms) if hold.is_open)

    def spent(self, scope: Scope, now_ms: int) -> int:
        return sum(hold.charged or 0 for hold in self.on(scope, now_ms) if scope not in hold.forgotten_by)

    def overrun(self, scope: Scope, now_ms: int) -> int:
        return sum(hold.overrun for hold in self.on(scope, now_ms) if scope not in hold.forgotten_by)

    def limit(self, scope: Scope, now_ms: int) -> int | None:
        if scope[0] != "session":
            return self.limits.get(scope)
        life = self.life(scope[1], now_ms)
        return None if life is None else life.limit

    # What happens -------------------------------------------------------------------------------------

    def state_limit(self, life: NaiveSession, stated: int | None) -> bool:
        """The owner names a limit: the first counts, a smaller one than any before tightens. Tells whether it did."""
        if stated is None or (life.stated is not None and stated >= life.stated):
            return False
        life.stated = stated
        life.limit = stated if life.limit is None else min(life.limit, stated)
        return True

    def end(self, hold: NaiveHold, charge: int, now_ms: int) -> None:
        """The hold's end, or the correction of its charge; what was forgotten meanwhile stays forgotten."""
        for scope, window in hold.windows.items():
            if scope[0] == "session":
                life = self.life(scope[1], now_ms)
                if life is not None and life.number == window:
                    life.used_at_ms = max(life.used_at_ms, now_ms)
        hold.charged = charge
        hold.overrun = max(0, charge - hold.granted)
        self.tell(list(hold.windows), now_ms)

    def forget(self, scope: Scope) -> None:
        for hold in self.holds.values():
            if not hold.is_open:
                hold.forgotten_by.add(scope)

    def tell(self, scopes: list[Scope], now_ms: int, refusing: Scope | None = None) -> None:
        """Alerts of teams and tenants: past 80 %, and exhausted; each once per window until the limit is changed."""
        for scope in scopes:
            limit = self.limits.get(scope)
            if limit is None:
                continue
            spent, window = self.spent(scope, now_ms), self.window(scope, now_ms)
            round_ = self.rounds.get((scope, window), 0)
            if spent * 100 >= limit * 80:
                self.told.add(("budget_threshold", scope, window, round_))
                if refusing == scope:
                    self.told.add(("budget_exhausted", scope, window, round_))
            if spent >= limit:
                self.told.add(("budget_exhausted", scope, window, round_))

    def set_limit(self, scope: Scope, limit: int | None, now_ms: int) -> None:
        if limit != self.limits.get(scope):
            window = self.window(scope, now_ms)
            round_ = self.rounds.get((scope, window), 0)
            if any(told[1:] == (scope, window, round_) for told in self.told):
                self.rounds[scope, window] = round_ + 1
        self.limits[scope] = limit
        self.tell([scope], now_ms)
