"""Packs npm's Pyodide into the bundle file that workerd loads under the version name `dev`.

workerd normally downloads this bundle. It reads `pyodide_dev.capnp.bin` from its disk cache
directory instead when a Worker has the flag `python_workers_development`, and never checksums it.
The interpreter's JavaScript glue calls things that Workers forbid, so each such call is redirected
to the runtime's own helper. A substitution that no longer matches is a crash at run time: every one
states how often it must match, and packing fails naming those that did not.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import capnp

PYODIDE_VERSION = "314.0.6"
BUNDLE_FILE_NAME = "pyodide_dev.capnp.bin"
SCHEMA_PATH = Path(__file__).with_name("pyodide_bundle.capnp")

RUNTIME_HELPERS = (
    "addEventListener",
    "getRandomValues",
    "location",
    "monotonicDateNow",
    "newWasmModule",
    "patchedLoadLibData",
    "wasmInstantiate",
)
IMPORT_HELPERS = f'import {{ {", ".join(RUNTIME_HELPERS)} }} from "pyodide-internal:builtin_wrappers";\n'
NO_EVAL = '(()=>{throw new Error("eval is not available in Workers")})'

# Where CPython 3.14 (wasm32) keeps PyThreadState.current_frame, in bytes.
CURRENT_FRAME_OFFSET_BYTES = 52


@dataclass(frozen=True, slots=True)
class Substitution:
    """One redirection in the glue text: `original` must occur exactly `count` times."""

    name: str
    original: str
    replacement: str
    count: int


SUBSTITUTIONS = (
    Substitution("wasm module", "new WebAssembly.Module(", "newWasmModule(", 4),
    Substitution("wasm instance", "WebAssembly.instantiate(", "wasmInstantiate(", 2),
    Substitution("clock", "Date.now", "monotonicDateNow", 22),
    Substitution("randomness", "crypto.getRandomValues(", "getRandomValues(Module,", 1),
    Substitution("eval of generated functions", "eval(func)", f"{NO_EVAL}()", 2),
    Substitution("eval of loaded scripts", "eval(data)", f"{NO_EVAL}()", 1),
    Substitution("eval of C strings", "eval(UTF8ToString(ptr))", f"{NO_EVAL}()", 3),
    Substitution(
        "library file",
        "function loadLibData(){",
        "function loadLibData(){const found=patchedLoadLibData(Module,libName,flags.rpath);"
        "return flags.loadAsync?Promise.resolve(found):found;",
        1,
    ),
    # A library must land at the same address again when a memory snapshot is restored.
    Substitution("library memory", "getMemory(", "Module.getMemoryPatched(Module,libName,", 1),
    # Function table slots taken by ctypes closures are replayed when a snapshot is restored.
    Substitution(
        "closure slot taken",
        "HEAPU32[(closure>>2)+0>>>0]=index;return closure}",
        "HEAPU32[(closure>>2)+0>>>0]=index;Module.recordFfiClosureAlloc?.(closure,index);return closure}",
        1,
    ),
    Substitution(
        "closure slot freed",
        "freeTableIndexes.push(index);_free(closure)}",
        "freeTableIndexes.push(index);Module.recordFfiClosureFree?.(closure,index);_free(closure)}",
        1,
    ),
    Substitution(
        "closure slot filled",
        "setWasmTableEntry(codeloc,wasm_trampoline);",
        "setWasmTableEntry(codeloc,wasm_trampoline);Module.recordFfiPrepClosureLoc?.(closure,codeloc,sig);",
        1,
    ),
    # A suspended stack's frame must not stay the thread's current one: a garbage collection that
    # runs meanwhile would walk it. (Pyodide issue 6466; fixed in releases after this one.)
    Substitution(
        "frame of a suspended stack set aside",
        "const stackState=new StackState;return{threadState,stackState,",
        "const stackState=new StackState;"
        f"const frameAt=(threadState+{CURRENT_FRAME_OFFSET_BYTES})>>>2;"
        "const currentFrame=HEAPU32[frameAt];HEAPU32[frameAt]=0;"
        "return{threadState,currentFrame,stackState,",
        1,
    ),
    Substitution(
        "frame of a resumed stack put back",
        "_restoreThreadState(state.threadState);",
        "_restoreThreadState(state.threadState);"
        f"HEAPU32[(state.threadState+{CURRENT_FRAME_OFFSET_BYTES})>>>2]=state.currentFrame;",
        1,
    ),
    Substitution(
        "named export",
        "export default _createPyodideModule;",
        "export { _createPyodideModule };",
        1,
    ),
)


class BundleError(Exception):
    """The bundle cannot be packed; the message says which part did not fit."""


def adapt_glue(glue: str) -> str:
    """Apply every substitution, or raise naming all that did not match as often as they must."""
    misses = [
        f"{item.name}: {item.original!r} occurs {found} times, expected {item.count}"
        for item in SUBSTITUTIONS
        if (found := glue.count(item.original)) != item.count
    ]
    if misses:
        raise BundleError("Pyodide's glue code is not the expected one:\n  " + "\n  ".join(misses))
    for item in SUBSTITUTIONS:
        glue = glue.replace(item.original, item.replacement)
    return IMPORT_HELPERS + glue


def pack_bundle(pyodide_dir: Path, cache_dir: Path) -> Path:
    """Write the bundle made from the npm package in `pyodide_dir`; returns its path."""
    version = json.loads((pyodide_dir / "package.json").read_text())["version"]
    if version != PYODIDE_VERSION:
        raise BundleError(f"pyodide {version} is installed, but {PYODIDE_VERSION} is expected")
    schema = capnp.load(str(SCHEMA_PATH))
    parts = (
        ("pyodide.asm", "src", adapt_glue((pyodide_dir / "pyodide.asm.mjs").read_text()).encode()),
        ("pyodide.asm.wasm", "wasm", (pyodide_dir / "pyodide.asm.wasm").read_bytes()),
        ("python_stdlib.zip", "data", (pyodide_dir / "python_stdlib.zip").read_bytes()),
        ("python_packages.bin", "data", schema.PythonPackages.new_message().to_bytes()),
    )
    bundle = schema.Bundle.new_message()
    modules = bundle.init("modules", len(parts))
    for module, (name, kind, contents) in zip(modules, parts, strict=True):
        module.name = f"pyodideRuntime-internal:{name}"
        module.type = "internal"
        setattr(module, kind, contents)
    cache_dir.mkdir(parents=True, exist_ok=True)
    unfinished = cache_dir / f"{BUNDLE_FILE_NAME}.part"
    unfinished.write_bytes(bundle.to_bytes())
    return unfinished.replace(cache_dir / BUNDLE_FILE_NAME)
