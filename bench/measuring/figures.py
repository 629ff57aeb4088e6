"""The arithmetic of the benchmarks: percentiles, slopes and the verdict on growth. Pure."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

# At this rate the memory left in a 128 MB isolate would last some 100,000 requests: slower growth cannot be told from
# the allocator's noise in a run of 10,000.
LEAK_BYTES_PER_REQUEST = 1024


@dataclass(frozen=True, slots=True)
class Latency:
    """Milliseconds of one target under one load."""

    count: int
    p50_ms: float
    p99_ms: float


def latency(samples_s: Sequence[float]) -> Latency:
    return Latency(
        len(samples_s),
        round(percentile(samples_s, 50) * 1000, 3),
        round(percentile(samples_s, 99) * 1000, 3),
    )


def percentile(samples: Sequence[float], percent: float) -> float:
    """The smallest sample that `percent` of all samples do not exceed (nearest rank)."""
    if not samples:
        raise ValueError("no samples")
    rank = max(math.ceil(percent / 100 * len(samples)), 1)
    return sorted(samples)[rank - 1]


def slope(points: Sequence[tuple[float, float]]) -> float:
    """How much y rises per x, by least squares."""
    mean_x = sum(x for x, _ in points) / len(points)
    mean_y = sum(y for _, y in points) / len(points)
    spread = sum((x - mean_x) ** 2 for x, _ in points)
    if not spread:
        raise ValueError("a slope needs points at different places")
    return sum((x - mean_x) * (y - mean_y) for x, y in points) / spread


def growth_per_request(points: Sequence[tuple[int, int]]) -> float:
    """Bytes per request over the second half of (requests, bytes): the first half fills caches and pools."""
    return slope(points[len(points) // 2 :])


def grows(bytes_per_request: float) -> bool:
    return bytes_per_request > LEAK_BYTES_PER_REQUEST


def mib(size_bytes: int) -> str:
    return f"{size_bytes / 2**20:.1f}"
