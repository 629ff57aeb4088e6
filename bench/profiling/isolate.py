"""V8's processor profile of one isolate, by what kind of code the time is spent in."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

INTERVAL_US = 500
IDLE = "(idle)"

_V8_ITSELF = {"(garbage collector)": "garbage collection", "(program)": "workerd and V8 themselves"}
_NATIVE = {
    "exec": "SQLite",
    "fetch": "fetch and Durable Object calls",
    "postMessage": "timers and messages",
    "setTimeout": "timers and messages",
    "clearTimeout": "timers and messages",
}
"""What JavaScript calls that is not JavaScript, by the function's name."""

PARTS = (
    "Python's interpreter (wasm)",
    "Pyodide's JavaScript",
    "the runtime's JavaScript",
    "the Worker's JavaScript",
    "SQLite",
    "fetch and Durable Object calls",
    "timers and messages",
    "other native calls",
    "workerd and V8 themselves",
    "garbage collection",
)


class _CallFrame(msgspec.Struct):
    functionName: str
    url: str


class _Node(msgspec.Struct):
    id: int
    callFrame: _CallFrame


class Profile(msgspec.Struct):
    """As the inspector gives it: which node was on top at each sample, and microseconds since the sample before."""

    nodes: list[_Node]
    samples: list[int]
    timeDeltas: list[int]


class Profiled(msgspec.Struct):
    """The inspector's answer to `Profiler.stop`."""

    profile: Profile


@dataclass(frozen=True, slots=True)
class IsolateTime:
    """Milliseconds of an isolate's thread for so many calls, by part; idle time is left out."""

    calls: int
    parts_ms: Mapping[str, float]

    def per_call_ms(self, part: str) -> float:
        return self.parts_ms.get(part, 0.0) / self.calls

    @property
    def total_per_call_ms(self) -> float:
        return sum(self.parts_ms.values()) / self.calls


def isolate_time(profile: Profile, calls: int) -> IsolateTime:
    part_of = {node.id: _part(node.callFrame) for node in profile.nodes}
    parts_us: Counter[str] = Counter()
    for node, delta_us in zip(profile.samples, profile.timeDeltas, strict=True):
        parts_us[part_of[node]] += delta_us
    del parts_us[IDLE]
    return IsolateTime(calls, {part: time_us / 1_000 for part, time_us in parts_us.items()})


def _part(frame: _CallFrame) -> str:
    name, url = frame.functionName, frame.url
    if name == IDLE:
        return IDLE
    if not url:
        return _V8_ITSELF.get(name) or _NATIVE.get(name, "other native calls")
    if url.startswith("wasm:"):
        return "Python's interpreter (wasm)"
    if "pyodide.asm" in url:
        return "Pyodide's JavaScript"
    is_runtime = url.startswith(("pyodide", "node-internal:", "cloudflare-internal:", "workerd"))
    return "the runtime's JavaScript" if is_runtime else "the Worker's JavaScript"
