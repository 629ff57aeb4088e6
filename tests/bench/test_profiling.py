"""A profile of the isolate by its parts, and Python frames found in the memory of a process: this one's, laid out as a
wasm heap."""

import ctypes
import os
import struct

import msgspec
import pytest

from bench.measuring.process_memory import WasmHeap
from bench.profiling.isolate import Profile, isolate_time
from bench.profiling.profile import OURS, places
from bench.profiling.python_frames import Function, Interpreter, NoInterpreter, python_time

MEMORY = os.open("/proc/self/mem", os.O_RDONLY)
RUNTIME, INTERPRETER, IDLE_THREAD, THREAD = 0x100, 0x800, 0x900, 0x980
INNER, NAMELESS, OUTER = 0xA00, 0xA30, 0xA60
INNER_CODE, NAMELESS_CODE, OUTER_CODE, TEXTS = 0xB00, 0xB90, 0xC20, 0xCB0
OFFSETS = {0: 0x030E02F0, 4: 796, 8: 24, 23: 4, 25: 52, 30: 44, 31: 4, 32: 0, 38: 132, 39: 80, 41: 88, 78: 8, 79: 20}
"""Those entries of the table of offsets that are read."""


class Heap:
    """A heap with one interpreter, of whose two threads the second runs a function, called from C by another."""

    def __init__(self, version: int = 0x030E02F0) -> None:
        self.memory = ctypes.create_string_buffer(0x1000)
        self._texts = TEXTS
        self.put(RUNTIME, b"xdebugpy")
        for entry, value in {**OFFSETS, 0: version}.items():
            self.put(RUNTIME + 8 + 8 * entry, struct.pack("<Q", value))
        self.point(RUNTIME + 796, INTERPRETER)
        self.point(INTERPRETER + 24, IDLE_THREAD)
        self.point(IDLE_THREAD + 4, THREAD)
        self.point(THREAD + 52, INNER)
        self.frame(INNER, INNER_CODE | 1, NAMELESS)
        self.frame(NAMELESS, NAMELESS_CODE, OUTER)
        self.frame(OUTER, OUTER_CODE, 0)
        self.code(INNER_CODE, "core/plan.py", "plan")
        self.code(OUTER_CODE, "entry.py", "Default.fetch")
        self.code(NAMELESS_CODE, "", "")

    def interpreter(self) -> Interpreter:
        return interpreter_in(self.memory)

    def put(self, address: int, content: bytes) -> None:
        ctypes.memmove(ctypes.addressof(self.memory) + address, content, len(content))

    def point(self, address: int, pointer: int) -> None:
        self.put(address, struct.pack("<I", pointer))

    def frame(self, address: int, code: int, previous: int) -> None:
        self.point(address, code)
        self.point(address + 4, previous)

    def code(self, address: int, file: str, name: str) -> None:
        for place, text in ((80, file), (88, name)):
            self.put(self._texts, struct.pack("<QII", 0, len(text), 0).ljust(20, b"\0") + text.encode())
            self.point(address + place, self._texts)
            self._texts += 64


def interpreter_in(memory: ctypes.Array[ctypes.c_char]) -> Interpreter:
    return Interpreter(MEMORY, WasmHeap(ctypes.addressof(memory), len(memory)))


def test_the_stack_is_the_one_of_the_thread_that_runs() -> None:
    heap = Heap()

    assert heap.interpreter().stack() == [Function("core/plan.py", "plan"), Function("entry.py", "Default.fetch")]


def test_an_interpreter_that_does_nothing_has_no_stack() -> None:
    heap = Heap()
    heap.point(THREAD + 52, 0)

    assert heap.interpreter().stack() == []


def test_a_name_that_is_none_makes_the_sample_void() -> None:
    heap = Heap()
    interpreter = heap.interpreter()
    heap.point(TEXTS + 8, 0x7FFFFFFF)

    with pytest.raises(LookupError):
        interpreter.stack()


@pytest.mark.parametrize("version", [0x030D00F0, 0x030F00F0])
def test_another_version_is_not_read_by_this_one_s_table(version: int) -> None:
    with pytest.raises(NoInterpreter, match="whose table is not known"):
        Heap(version).interpreter()


def test_a_heap_without_an_interpreter_is_none() -> None:
    memory = ctypes.create_string_buffer(64)

    with pytest.raises(NoInterpreter):
        interpreter_in(memory)


def test_a_function_that_calls_itself_counts_once_a_sample() -> None:
    plan, walk = Function(f"{OURS}core/plan.py", "plan"), Function(f"{OURS}bindings/x.py", "walk")

    found = python_time({(walk, walk, plan): 3, (plan,): 1, (): 6})

    assert (found.samples, found.in_python) == (10, 4)
    assert (found.own, found.within) == ({walk: 3, plan: 1}, {walk: 3, plan: 4})
    assert places(found) == {"the edge's bindings and entry": 3, "the rest of the core": 1}


def test_an_isolate_s_time_is_told_by_parts_without_what_it_slept() -> None:
    frames = [
        ("(idle)", ""), ("wasm-function[3]", "wasm://wasm/0249d42a"), ("exec", ""), ("run", "file:///bindings/x.mjs"),
        ("get", "pyodideRuntime-internal:pyodide.asm"), ("(garbage collector)", ""), ("structuredClone", ""),
        ("call", "pyodide:python-entrypoint-helper"),
    ]  # fmt: skip
    nodes = [{"id": n, "callFrame": {"functionName": name, "url": url}} for n, (name, url) in enumerate(frames)]
    profile = {"nodes": nodes, "samples": list(range(len(frames))), "timeDeltas": [1_000 * (n + 1) for n in range(8)]}

    time = isolate_time(msgspec.convert(profile, Profile), calls=2)

    assert time.parts_ms == {
        "Python's interpreter (wasm)": 2, "SQLite": 3, "the Worker's JavaScript": 4, "Pyodide's JavaScript": 5,
        "garbage collection": 6, "other native calls": 7, "the runtime's JavaScript": 8,
    }  # fmt: skip
    assert time.per_call_ms("SQLite") == 1.5
    assert time.total_per_call_ms == 17.5
