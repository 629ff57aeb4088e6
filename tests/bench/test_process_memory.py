"""Reading a process's memory from what the kernel says of it."""

import os

import pytest

from bench.measuring.process_memory import WasmHeap, read_process, resident_bytes, wasm_heaps

HEAP = "7fa013390000-7fa015190000 rw-p 00000000 00:00 0"
REST_OF_ITS_4_GIB = "7fa015190000-7fa113390000 ---p 00000000 00:00 0"


def test_a_heap_is_the_writable_start_of_a_4_gib_reservation() -> None:
    assert wasm_heaps([HEAP, REST_OF_ITS_4_GIB]) == [WasmHeap(0x7FA013390000, 30 * 2**20)]


def test_a_guard_page_does_not_make_a_mapping_a_heap() -> None:
    assert wasm_heaps([HEAP, "7fa015190000-7fa015191000 ---p 00000000 00:00 0"]) == []


def test_a_reservation_elsewhere_does_not_make_a_mapping_a_heap() -> None:
    assert wasm_heaps([HEAP, "7fb015190000-7fb113390000 ---p 00000000 00:00 0"]) == []


def test_a_running_process_has_resident_memory() -> None:
    assert read_process(os.getpid()).resident_bytes > 2**20


def test_a_process_that_has_ended_is_an_error_not_a_zero() -> None:
    with pytest.raises(ProcessLookupError):
        resident_bytes(["Name:\tworkerd", "State:\tZ (zombie)"])
