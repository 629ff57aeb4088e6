"""How long to let go by after a failure before the same is tried again."""

FIRST_MS = 5_000


class Pauses:
    """Five seconds, and then twice as long each time, up to a bound: each try is an alarm, and each alarm a row."""

    def __init__(self, longest_ms: int) -> None:
        self._longest_ms = longest_ms
        self._next_ms = FIRST_MS

    def next_ms(self) -> int:
        """After one more failure."""
        pause_ms = self._next_ms
        self._next_ms = min(2 * pause_ms, self._longest_ms)
        return pause_ms

    def over(self) -> None:
        """It went well."""
        self._next_ms = FIRST_MS
