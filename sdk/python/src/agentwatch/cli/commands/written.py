"""What all documents' commands have in common: what is told of a write, the versions, and an editor."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import tempfile
from pathlib import Path
from typing import Annotated, Any

import typer

from ..api.documents import Edited, edit_document, read_document, read_history
from ..arguments import parsed_json, read_json_file
from ..failures import CommandFailed, usage
from ..invocation import Invocation, command
from ..screen.columns import at, number, value
from ..screen.screen import Listed
from .keys import Limit

Version = Annotated[int | None, typer.Option("--version", min=1, metavar="N", help="An earlier version.")]
File = Annotated[
    str | None, typer.Option("--file", metavar="FILE", help="Take it from this JSON file, or - for standard input.")
]

_RECEIPT = (number("version"), value("written"))
HISTORY = (number("version"), at("written_at_ms", "written"), value("written_by", "by"))


def show_written(run: Invocation, edited: Edited) -> None:
    """The version that stands now. What is odd about it goes to standard error."""
    is_written = bool(edited.changes)
    if not is_written:
        run.screen.say(f"nothing to change: version {edited.version} stands")
    for warning in edited.warnings:
        run.screen.say(f"warning: {warning.get('path')}: {warning.get('message')}")
    run.screen.told({"version": edited.version, "written": is_written, "warnings": edited.warnings}, _RECEIPT)


def add_versions(group: typer.Typer, path: str, what: str) -> None:
    """`history` and `rollback` for a document."""

    def history(run: Invocation, limit: Limit = None) -> None:
        entries, below = read_history(run.api, path, limit)
        run.screen.listed(Listed(entries, below), HISTORY, empty="nothing was written yet")

    def rollback(
        run: Invocation, version: Annotated[int, typer.Argument(min=1, help="The version to go back to.")]
    ) -> None:
        old = read_document(run.api, path, version).document
        show_written(run, edit_document(run.api, path, lambda _: old))

    history.__doc__ = f"Say who wrote which version of {what} when, the youngest first."
    rollback.__doc__ = f"Write an earlier version of {what} once more, as a new version."
    command(group, "history")(history)
    command(group, "rollback")(rollback)


def whole_document(document: dict[str, Any], file: str | None, what: str) -> dict[str, Any]:
    """The new document: from a file, else from the user's editor."""
    new = edited_by_hand(document, what) if file is None else read_json_file(file, what)
    if not isinstance(new, dict):
        raise usage(f"{what} must be a JSON object")
    return new


def edited_by_hand(document: Any, what: str) -> Any:
    """The document as it comes back from the user's editor. Raises `CommandFailed` where that is no JSON, or the editor
    says that it failed."""
    editor = os.environ.get("VISUAL") or os.environ.get("EDITOR")
    if not editor:
        raise CommandFailed("no editor is known", advice="set EDITOR, or give the new text with --file")
    with tempfile.TemporaryDirectory(prefix="agentwatch-") as folder:
        path = Path(folder) / f"{what}.json"
        path.touch(mode=0o600)
        path.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        try:
            ended = subprocess.run([*shlex.split(editor), str(path)], check=False, stdout=_terminal())
        except (OSError, ValueError) as error:
            raise CommandFailed(f"the editor cannot be started: {error}") from None
        if ended.returncode:
            raise CommandFailed(f"the editor ended with {ended.returncode}: nothing was written")
        return parsed_json(path.read_text(encoding="utf-8"), f"what you wrote of {what}")


def _terminal() -> int:
    """An editor shows itself where people look; standard output has the result alone."""
    return 2
