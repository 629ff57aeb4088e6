"""Where a command shows what it found. Standard output has the result and nothing else: a table for people, lines with
tabs where it is no terminal, one JSON document with `--json`. Everything else goes to standard error.

The rule easy to break: text reaches Rich only as `Text`, never as a string, which Rich would read as markup.
"""

from __future__ import annotations

import getpass
import json
import os
import sys
from collections.abc import Mapping, Sequence
from typing import Any, TextIO

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ..failures import CommandFailed, usage
from .columns import Column, Record
from .harmless import harmless, without

NO_TERMINAL = "there is no terminal to ask at"


class Screen:
    def __init__(self, *, is_json: bool, no_color: bool) -> None:
        self.is_json = is_json
        self._has_color = not (no_color or os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb")
        self._secrets: set[str] = set()
        for stream in (sys.stdout, sys.stderr):
            if hasattr(stream, "reconfigure"):
                # A name that the terminal's encoding does not have is no reason to end.
                stream.reconfigure(errors="backslashreplace")

    @property
    def is_terminal(self) -> bool:
        return _is_terminal(sys.stdout) and not self.is_json

    def hide(self, secret: str) -> None:
        """Words on standard error never hold it."""
        if secret:
            self._secrets.add(secret)

    # The result.

    def document(self, document: object) -> None:
        """One document for a program. ASCII: what is in it can neither move a cursor nor turn a line around."""
        print(json.dumps(document, indent=2))

    def line(self, document: object) -> None:
        """One of many documents for a program, which gets it now."""
        print(json.dumps(document, separators=(",", ":")), flush=True)

    def text(self, text: str) -> None:
        print(harmless(text))

    def rows(self, records: Sequence[Record], columns: Sequence[Column], *, empty: str) -> None:
        """Many records, one a line."""
        if not self.is_terminal:
            print("\t".join(column.heading for column in columns))
            for record in records:
                print("\t".join(harmless(column.text_of(record)) for column in columns))
        elif records:
            self._print(_table(records, columns))
        else:
            self.say(empty)

    def record(self, record: Record, columns: Sequence[Column]) -> None:
        """One record, one line a value."""
        told = [(column, harmless(column.text_of(record))) for column in columns]
        if not self.is_terminal:
            for column, text in told:
                print(f"{column.heading}\t{text}")
            return
        table = Table(box=None, show_header=False, pad_edge=False)
        table.add_column(no_wrap=True)
        table.add_column(overflow="fold")
        for column, text in told:
            table.add_row(Text(column.heading, style="bold"), Text(text, style=column.style_of(text)))
        self._print(table)

    def listed(self, found: Listed, columns: Sequence[Column], *, empty: str) -> None:
        if self.is_json:
            self.document(found.document)
            return
        self.rows(found.records, columns, empty=empty)
        if found.next is not None:
            self.say("there are more: raise --limit")

    def told(self, document: Record, columns: Sequence[Column]) -> None:
        """One record, in whichever form was asked for."""
        if self.is_json:
            self.document(document)
        else:
            self.record(document, columns)

    def now(self, texts: Sequence[str], styles: Mapping[str, str]) -> None:
        """A line of what goes on, seen now."""
        if self.is_terminal:
            pieces = [Text(harmless(text), style=styles.get(text, "")) for text in texts]
            self._print(Text("  ").join(pieces), soft_wrap=True)
        else:
            print("\t".join(map(harmless, texts)))
        sys.stdout.flush()

    def _print(self, what: Text | Table, *, soft_wrap: bool = False) -> None:
        console = Console(
            file=sys.stdout,
            force_terminal=True,
            color_system="auto" if self._has_color else None,
            no_color=not self._has_color,
            highlight=False,
            markup=False,
            emoji=False,
        )
        console.print(what, soft_wrap=soft_wrap)

    # Everything else.

    def say(self, words: str) -> None:
        _write_line(sys.stderr, harmless(without(words, self._secrets)))

    def fail(self, failure: CommandFailed) -> None:
        """The reason on standard error, and what to do next."""
        if self.is_json:
            _write_line(sys.stderr, without(json.dumps(failure.document), self._secrets))
            return
        for line in f"agentwatch: {failure.message}".split("\n"):
            self.say(line)
        if failure.advice:
            self.say(f"next: {failure.advice}")

    def check_asking(self, what: str) -> None:
        """Raises `CommandFailed` where nobody can be asked."""
        if not _is_terminal(sys.stdin):
            raise usage(f"{what}: {NO_TERMINAL}", "give --yes to say that you mean it")

    def ask(self, question: str) -> None:
        """Raises `CommandFailed` where the answer is no."""
        sys.stderr.write(harmless(without(question, self._secrets)) + " [y/N] ")
        sys.stderr.flush()
        if sys.stdin.readline().strip().lower() not in ("y", "yes"):
            raise CommandFailed("nothing was changed: you said no", kind="declined")

    def ask_secret(self, what: str, *, or_else: str) -> str:
        """A secret typed unseen. `or_else` is how to give it without a terminal."""
        if not _is_terminal(sys.stdin):
            raise usage(f"{what}: {NO_TERMINAL}", or_else)
        try:
            return getpass.getpass(f"{what}: ", stream=sys.stderr)
        except EOFError:
            raise typer.Abort from None


class Listed:
    """A page or all pages of a list, in the form that every list has with `--json`."""

    def __init__(self, records: Sequence[Record], next_cursor: str | None, **beside: Any) -> None:
        self.records = records
        self.next = next_cursor
        self.document = {"data": records, "next": next_cursor, **beside}


def read_secret(what: str) -> str:
    """A secret from standard input. Raises `CommandFailed`."""
    text = "" if sys.stdin is None else sys.stdin.readline(10_000).strip()
    if not text:
        raise usage(f"standard input holds no {what}")
    return text


def _is_terminal(stream: TextIO | None) -> bool:
    try:
        return stream is not None and stream.isatty()
    except ValueError:
        return False


def _write_line(stream: TextIO | None, line: str) -> None:
    """Nobody may listen any more: that is no reason for another exit code."""
    try:
        if stream is not None:
            stream.write(line + "\n")
            stream.flush()
    except (OSError, ValueError):
        return


def _table(records: Sequence[Record], columns: Sequence[Column]) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False, header_style="bold")
    for column in columns:
        # Folded, never cut: an id that ends in dots is none.
        table.add_column(Text(column.heading), justify="right" if column.is_number else "left", overflow="fold")
    for record in records:
        texts = [harmless(column.text_of(record)) for column in columns]
        table.add_row(*(Text(text, style=column.style_of(text)) for text, column in zip(texts, columns, strict=True)))
    return table
