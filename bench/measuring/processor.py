"""How busy the machine was during a run: all cores, and the processes that matter, read from /proc."""

import asyncio
import os
import subprocess
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

INTERVAL_S = 0.5
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")


@dataclass
class Business:
    """Shares of processor time, sampled while the run went on. A process's share is of one core."""

    machine: list[float] = field(default_factory=list)
    processes: dict[str, list[float]] = field(default_factory=dict)

    def mean(self) -> dict[str, float]:
        named = {"machine": self.machine, **self.processes}
        return {name: round(sum(shares) / max(len(shares), 1), 2) for name, shares in named.items()}

    def saturated_share(self) -> float:
        """The part of the run during which no core was idle."""
        return round(sum(share > 0.97 for share in self.machine) / max(len(self.machine), 1), 2)


@asynccontextmanager
async def watched(pids: Mapping[str, int]) -> AsyncIterator[Business]:
    """Sample until the block ends."""
    business = Business(processes={name: [] for name in pids})
    task = asyncio.create_task(_sample(business, pids))
    try:
        yield business
    finally:
        task.cancel()


def process_s(pid: int) -> float:
    """Processor seconds a process has used so far."""
    return _ticks(pid) / _TICKS_PER_S


def mock_pid() -> int:
    """The mock providers that this process started."""
    command = ["pgrep", "-P", str(os.getpid()), "-f", "mock_llm"]
    return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()[0])


async def _sample(business: Business, pids: Mapping[str, int]) -> None:
    loop = asyncio.get_running_loop()
    before_s, before, before_each = loop.time(), _machine_ticks(), {name: _ticks(pid) for name, pid in pids.items()}
    while True:
        await asyncio.sleep(INTERVAL_S)
        now_s, now, now_each = loop.time(), _machine_ticks(), {name: _ticks(pid) for name, pid in pids.items()}
        busy, total = now[0] - before[0], now[1] - before[1]
        business.machine.append(busy / max(total, 1))
        for name, ticks in now_each.items():
            business.processes[name].append((ticks - before_each[name]) / _TICKS_PER_S / (now_s - before_s))
        before_s, before, before_each = now_s, now, now_each


def _machine_ticks() -> tuple[int, int]:
    """Ticks that all cores have worked since the machine started, and ticks there were."""
    fields = [int(each) for each in Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
    idle = fields[3] + fields[4]
    return sum(fields) - idle, sum(fields)


def _ticks(pid: int) -> int:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])
