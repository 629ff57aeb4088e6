"""The bundle packer: a substitution that does not fit is named, never skipped."""

import json
import re
from pathlib import Path

import capnp
import pytest

from local.pyodide_bundle import (
    PYODIDE_VERSION,
    SCHEMA_PATH,
    SUBSTITUTIONS,
    BundleError,
    Substitution,
    adapt_glue,
    pack_bundle,
)

GLUE = "\n".join(item.original for item in SUBSTITUTIONS for _ in range(item.count))


def a_package(folder: Path, *, version: str = PYODIDE_VERSION) -> Path:
    """A folder shaped like npm's pyodide."""
    folder.mkdir()
    (folder / "package.json").write_text(json.dumps({"version": version}))
    (folder / "pyodide.asm.mjs").write_text(GLUE)
    (folder / "pyodide.asm.wasm").write_bytes(b"wasm")
    (folder / "python_stdlib.zip").write_bytes(b"zip")
    return folder


@pytest.mark.parametrize("item", SUBSTITUTIONS, ids=lambda item: item.name)
def test_a_substitution_that_no_longer_matches_is_named(item: Substitution) -> None:
    without_one = GLUE.replace(item.original, "", 1)

    with pytest.raises(BundleError, match=re.escape(item.name)):
        adapt_glue(without_one)


@pytest.mark.parametrize("item", SUBSTITUTIONS, ids=lambda item: item.name)
def test_a_substitution_that_matches_too_often_is_named(item: Substitution) -> None:
    with pytest.raises(BundleError, match=re.escape(item.name)):
        adapt_glue(GLUE + "\n" + item.original)


def test_all_misses_are_named_at_once() -> None:
    with pytest.raises(BundleError) as raised:
        adapt_glue("")

    assert all(item.name in str(raised.value) for item in SUBSTITUTIONS)


def test_adapted_glue_calls_the_runtime_in_place_of_what_workers_forbid() -> None:
    adapted = adapt_glue(GLUE)

    assert not [
        word
        for word in ("new WebAssembly.Module", "Date.now", "crypto.getRandomValues", "eval(func)")
        if word in adapted
    ]
    assert adapted.endswith("export { _createPyodideModule };")


def test_another_pyodide_version_is_refused(tmp_path: Path) -> None:
    package = a_package(tmp_path / "pyodide", version="999.0.0")

    with pytest.raises(BundleError, match=f"999.0.0.*{re.escape(PYODIDE_VERSION)}"):
        pack_bundle(package, tmp_path / "cache")


def test_a_bundle_holds_four_internal_modules(tmp_path: Path) -> None:
    path = pack_bundle(a_package(tmp_path / "pyodide"), tmp_path / "cache")

    with path.open("rb") as file:
        modules = capnp.load(str(SCHEMA_PATH)).Bundle.read(file).modules
    assert {(module.name, module.which(), str(module.type)) for module in modules} == {
        ("pyodideRuntime-internal:pyodide.asm", "src", "internal"),
        ("pyodideRuntime-internal:pyodide.asm.wasm", "wasm", "internal"),
        ("pyodideRuntime-internal:python_stdlib.zip", "data", "internal"),
        ("pyodideRuntime-internal:python_packages.bin", "data", "internal"),
    }
