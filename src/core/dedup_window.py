"""De-duplication by a window of time: a name is new once per window, and not more than so many names in all.

Whoever floods us with names fills neither the queue nor the memory; what is above the bound is not told.
"""


class DedupWindow:
    """The names told in the present window."""

    def __init__(self, *, window_ms: int, told_max: int) -> None:
        self._window_ms = window_ms
        self._told_max = told_max
        self._window = 0
        self._told: set[str] = set()

    def is_new(self, name: str, now_ms: int) -> bool:
        """Is this the first time in the window, and is there room to tell it? If so, it is taken as told."""
        window = now_ms // self._window_ms
        if window != self._window:
            self._window = window
            self._told.clear()
        if name in self._told or len(self._told) >= self._told_max:
            return False
        self._told.add(name)
        return True
