"""What the kernel says of a process's memory: resident bytes, and the wasm heaps of the interpreters in it.

A wasm heap is known by its shape. V8 sets aside the whole 4 GiB that a 32-bit memory may reach and makes readable the
part in use, so a heap is a writable mapping followed by an inaccessible one that fills it up to at least that size.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

WASM_RESERVATION_BYTES = 4 << 30


@dataclass(frozen=True, slots=True)
class WasmHeap:
    """Where it starts in its process, and how much of it is in use."""

    start: int
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Reading:
    """One process at one moment; the heaps of its Python isolates, the largest first."""

    resident_bytes: int
    wasm_heap_bytes: tuple[int, ...]

    @property
    def heaps_bytes(self) -> int:
        return sum(self.wasm_heap_bytes)


def read_process(pid: int) -> Reading:
    folder = Path(f"/proc/{pid}")
    return Reading(
        resident_bytes((folder / "status").read_text().splitlines()),
        tuple(heap.size_bytes for heap in wasm_heaps((folder / "maps").read_text().splitlines())),
    )


def resident_bytes(status: Iterable[str]) -> int:
    """VmRSS of a `/proc/<pid>/status`."""
    for line in status:
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    raise ProcessLookupError("the process has no resident memory: it has ended")


def wasm_heaps(maps: Iterable[str]) -> list[WasmHeap]:
    """The wasm heaps in a `/proc/<pid>/maps`, the largest first."""
    heaps = []
    for (start, end, rights), (next_start, next_end, next_rights) in pairwise(map(_mapping, maps)):
        is_joined = end == next_start and rights == "rw-p" and next_rights == "---p"
        if is_joined and next_end - start >= WASM_RESERVATION_BYTES:
            heaps.append(WasmHeap(start, end - start))
    return sorted(heaps, key=lambda heap: heap.size_bytes, reverse=True)


def _mapping(line: str) -> tuple[int, int, str]:
    addresses, rights = line.split()[:2]
    start, _, end = addresses.partition("-")
    return int(start, 16), int(end, 16), rights
