"""The snapshot that the local stack's Workers start from has nothing of ours in it."""

from pathlib import Path

import pytest

from local import stack
from local.paths import INTERPRETER_SNAPSHOT, ROOT
from local.processes import StackError
from local.snapshots import INTERPRETER_NAME

FOLDERS = ("src", "durable_objects", "queue_consumer", "bench/workers", "bench/workers/ladder")


def test_no_module_of_ours_is_called_as_the_one_that_the_snapshot_has() -> None:
    ours = {path.stem for folder in FOLDERS for path in (ROOT / folder).glob("*")}

    assert INTERPRETER_NAME not in ours


@pytest.mark.stack
def test_nothing_of_ours_is_in_it() -> None:
    found = INTERPRETER_SNAPSHOT.read_bytes()

    assert b"/session/metadata/python_modules/msgspec/" in found
    for module in ("core", "call", "durable_objects", "bindings", "entry.py"):
        assert f"/session/metadata/{module}".encode() not in found


def test_without_one_the_stack_says_what_makes_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stack, "BUNDLE_DIR", tmp_path)
    monkeypatch.setattr(stack, "INTERPRETER_SNAPSHOT", tmp_path / "snapshot.bin")
    (tmp_path / "pyodide_dev.capnp.bin").touch()

    with pytest.raises(StackError, match="run `make setup`"):
        stack._workerd_wrapper(tmp_path)
