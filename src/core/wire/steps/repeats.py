"""How often the steps at the end of a transcript repeat themselves.

Theory of operation. Steps come from the last one backwards. For each period up to `PERIOD_MAX` it is known how many of
them, from the end on, are each equal to the one a period later. As soon as every period is broken there is nothing more
to learn, so of a healthy transcript some five steps are looked at, and of one in a loop `STEPS_MAX`.
"""

PERIOD_MAX = 4
"""The longest block of steps whose repetition is told: A B A B passes a look at neighbours."""

STEPS_MAX = 24
"""How far back steps are compared: six times the longest block, twelve times two steps in turn, 24 times one step. All
of them are read of an agent in a loop."""


class Repeats:
    """What the steps seen so far tell."""

    __slots__ = ("_digests", "_failed", "_lengths", "_unbroken")

    def __init__(self) -> None:
        self._digests: list[str] = []
        self._failed = 0
        self._unbroken = list(range(1, PERIOD_MAX + 1))
        self._lengths: dict[int, int] = {}
        """Of the broken periods: how many steps kept to them."""

    def add(self, digest: str, *, has_failed: bool) -> bool:
        """The step before those that are known. Whether one more could tell anything."""
        place = len(self._digests)
        for period in self._unbroken[:]:
            if place >= period and self._digests[place - period] != digest:
                self._unbroken.remove(period)
                self._lengths[period] = place
        if has_failed and self._failed == place:
            self._failed += 1
        self._digests.append(digest)
        return bool(self._unbroken) and len(self._digests) < STEPS_MAX

    @property
    def last(self) -> str | None:
        return self._digests[0] if self._digests else None

    @property
    def repeated(self) -> int:
        """How often the block at the end stands there in a row; 1 where nothing is repeated, 0 without a step."""
        return self._most(len(self._digests))

    @property
    def failed(self) -> int:
        """The same, of the failed steps at the end."""
        return self._most(self._failed)

    def _most(self, steps: int) -> int:
        lengths = {period: min(steps, self._lengths.get(period, steps)) for period in range(1, PERIOD_MAX + 1)}
        return max(length // period for period, length in lengths.items())
