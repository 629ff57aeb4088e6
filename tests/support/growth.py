"""How the time of some work grows with what it is given, on a machine that is busy with others: never how long it takes."""

import gc
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

RUNS = 4
TRIES_MIN, TRIES_MAX = 2, 24
SHORTEST_SECONDS = 20e-6
"""What is measured as less may as well be noise."""


def least_ratio(work: Callable[[T], object], small: T, large: T, *, enough: float) -> float:
    """How many times the processor's time of the small one the large one takes, each at its best. Measured on until
    the ratio is below `enough`, or often enough to say that it is not."""
    of_small = of_large = float("inf")
    for tried in range(TRIES_MAX):
        of_large = min(of_large, _seconds(work, large))
        of_small = min(of_small, _seconds(work, small))
        if tried + 1 >= TRIES_MIN and of_large / max(of_small, SHORTEST_SECONDS) < enough:
            break
    return of_large / max(of_small, SHORTEST_SECONDS)


def least_seconds(work: Callable[[T], object], argument: T) -> float:
    """The processor's time at its best: all that disturbs a measurement adds to it."""
    return min(_seconds(work, argument) for _ in range(RUNS))


def _seconds(work: Callable[[T], object], argument: T) -> float:
    gc.disable()
    try:
        begun = time.process_time()
        work(argument)
        return time.process_time() - begun
    finally:
        gc.enable()
