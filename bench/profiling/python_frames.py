"""Which Python functions run in a Worker, looked up from outside while it runs.

Clocks stand still inside a Worker and V8's profile knows no Python functions, so neither can say where Python's time
goes. CPython publishes where its frames are: a table of offsets that begins with a cookie (`_Py_DebugOffsets`,
Include/internal/pycore_debug_offsets.h, made for profilers). An interpreter's wasm heap is a mapping of workerd, so
reading it like any process's memory needs nothing of the Worker, and costs it nothing.

The Worker does not stop to be read. A sample taken while a frame is made or left may be torn; one that leads nowhere is
dropped, and the rest of that is noise.
"""

import os
import struct
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from bench.measuring.http_client import LoadError
from bench.measuring.process_memory import WasmHeap, wasm_heaps

INTERVAL_S = 0.001
COOKIE = b"xdebugpy"
VERSION = 0x030E
"""Of the table whose places these are; 32-bit pointers."""

_INTERPRETERS_HEAD, _THREADS_HEAD, _NEXT_THREAD, _CURRENT_FRAME = 4, 8, 23, 25
_FRAME_SIZE, _PREVIOUS, _EXECUTABLE = 30, 31, 32
_CODE_SIZE, _FILENAME, _QUALNAME = 38, 39, 41
_TEXT_LENGTH, _TEXT_START = 78, 79
_TABLE_ENTRIES = 80

_THREADS_MAX = 50
_FRAMES_MAX = 200
_TEXT_MAX = 300


class NoInterpreter(LoadError):
    """A heap without a Python interpreter of the version that can be read."""


@dataclass(frozen=True, slots=True)
class Function:
    """By the file it is defined in and its qualified name."""

    file: str
    name: str


@dataclass(frozen=True, slots=True)
class PythonTime:
    """Samples of one interpreter: how many there are, how many found it in Python, and in how many of these each
    function ran itself or had called what ran."""

    samples: int
    in_python: int
    own: Mapping[Function, int]
    within: Mapping[Function, int]


class Interpreter:
    """One interpreter of a running process, by the wasm heap that it lives in; `memory` is the file descriptor of the
    process's memory. Raises `NoInterpreter` where there is none."""

    def __init__(self, memory: int, heap: WasmHeap) -> None:
        self._memory, self._start = memory, heap.start
        runtime = os.pread(self._memory, heap.size_bytes, heap.start).find(COOKIE)
        if runtime < 0:
            raise NoInterpreter("no table of offsets")
        self._at = struct.unpack(f"<{_TABLE_ENTRIES}Q", self._read(runtime + len(COOKIE), 8 * _TABLE_ENTRIES))
        if self._at[0] >> 16 != VERSION:
            raise NoInterpreter(f"Python {self._at[0]:#x}, whose table is not known")
        self._interpreter = self._pointer(runtime + self._at[_INTERPRETERS_HEAD])
        self._functions: dict[int, Function] = {}

    def stack(self) -> list[Function]:
        """The functions that run at this moment, the innermost first; none while Python does not run.

        Each call that may wait (JSPI) has a thread state of its own, so it is the first one that has a frame. A frame
        without a name is no function's: the interpreter's own, below each call from C. Raises LookupError where the
        memory was about to change.
        """
        thread = self._pointer(self._interpreter + self._at[_THREADS_HEAD])
        for _ in range(_THREADS_MAX):
            frame = self._pointer(thread + self._at[_CURRENT_FRAME])
            thread = self._pointer(thread + self._at[_NEXT_THREAD])
            if frame or not thread:
                break
        stack = []
        for _ in range(_FRAMES_MAX):
            if not frame:
                break
            content = self._read(frame, self._at[_FRAME_SIZE])
            # The lowest bits are tags of the interpreter's own.
            stack.append(self._function(_pointer_in(content, self._at[_EXECUTABLE]) & ~3))
            frame = _pointer_in(content, self._at[_PREVIOUS])
        return [function for function in stack if function.file]

    def _function(self, code: int) -> Function:
        if code not in self._functions:
            content = self._read(code, self._at[_CODE_SIZE])
            file, name = (self._text(_pointer_in(content, self._at[place])) for place in (_FILENAME, _QUALNAME))
            self._functions[code] = Function(file, name)
        return self._functions[code]

    def _text(self, address: int) -> str:
        length = self._pointer(address + self._at[_TEXT_LENGTH])
        if length > _TEXT_MAX:
            raise LookupError("that is no name")
        return self._read(address + self._at[_TEXT_START], length).decode("latin-1")

    def _pointer(self, address: int) -> int:
        return _pointer_in(self._read(address, 4), 0)

    def _read(self, address: int, size_bytes: int) -> bytes:
        try:
            content = os.pread(self._memory, size_bytes, self._start + address)
        except OSError as error:
            raise LookupError(f"nothing at {address:#x}") from error
        if len(content) < size_bytes:
            raise LookupError(f"nothing at {address:#x}")
        return content


def sample(pid: int, duration_s: float) -> PythonTime:
    """The interpreter of a process that ran most, looked at for so long. Raises OSError where the process may not be
    read, `NoInterpreter` where none is known."""
    heaps = wasm_heaps(Path(f"/proc/{pid}/maps").read_text().splitlines())
    with Path(f"/proc/{pid}/mem").open("rb", buffering=0) as memory:
        return python_time(_busiest(list(_interpreters(memory.fileno(), heaps)), duration_s))


def _interpreters(memory: int, heaps: Iterable[WasmHeap]) -> Iterator[Interpreter]:
    for heap in heaps:
        with suppress(NoInterpreter):
            yield Interpreter(memory, heap)


def _busiest(interpreters: Sequence[Interpreter], duration_s: float) -> Counter[tuple[Function, ...]]:
    """The stacks of the one that ran most."""
    if not interpreters:
        raise NoInterpreter("no interpreter of a known version in this process")
    stacks: list[Counter[tuple[Function, ...]]] = [Counter() for _ in interpreters]
    end_s = time.monotonic() + duration_s
    while time.monotonic() < end_s:
        for found, interpreter in zip(stacks, interpreters, strict=True):
            with suppress(LookupError):
                found[tuple(interpreter.stack())] += 1
        time.sleep(INTERVAL_S)
    return max(stacks, key=lambda found: found.total() - found[()])


def python_time(stacks: Mapping[tuple[Function, ...], int]) -> PythonTime:
    own: Counter[Function] = Counter()
    within: Counter[Function] = Counter()
    for stack, count in stacks.items():
        if stack:
            own[stack[0]] += count
            within.update(dict.fromkeys(stack, count))
    return PythonTime(sum(stacks.values()), own.total(), own, within)


def _pointer_in(content: bytes, place: int) -> int:
    pointer: int = struct.unpack_from("<I", content, place)[0]
    return pointer
