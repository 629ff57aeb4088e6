"""A secret that AgentWatch makes and tells once. Where it is to go is made ready before it is asked for, because what
is lost then is lost for good: a file that is new and its owner's alone, or standard output.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from .failures import CommandFailed
from .invocation import Invocation
from .pipes import forget

Out = Annotated[
    Path | None,
    typer.Option("--out", metavar="FILE", help="Write it to this new file (0600) instead of to standard output."),
]


class SecretPlace:
    """`describe` says of the record what people are told beside the secret."""

    def __init__(self, run: Invocation, file: int | None, path: Path | None) -> None:
        self._run = run
        self._file = file
        self._path = path
        self.is_filled = False

    def deliver(
        self, record: dict[str, Any], name: str, *, told: str, if_lost: str, show: Callable[[dict[str, Any]], None]
    ) -> None:
        """The secret, which stands in `record[name]`, to its place; `show` shows the record, which is then without it.
        `if_lost` says how to get another one."""
        secret = record.get(name)
        if not isinstance(secret, str):
            raise CommandFailed(f"{told}, but its answer was lost and is told once only", advice=if_lost)
        self._run.screen.hide(secret)
        try:
            self._write(secret, record)
            self.is_filled = True
        except OSError as error:
            forget(sys.stdout)
            raise CommandFailed(
                f"{told}, but could not be written: {error.strerror or error}", advice=if_lost
            ) from None
        where = f"in {self._path}" if self._path is not None else "shown this once"
        self._run.screen.say(f"{told}; it is {where}")
        if self._path is not None:
            # Nobody may listen any more: the secret is where it is to be all the same, and stays there.
            without = {each: value for each, value in record.items() if each != name}
            show({**without, f"{name}_file": str(self._path)})

    def _write(self, secret: str, record: dict[str, Any]) -> None:
        if self._file is not None:
            os.write(self._file, f"{secret}\n".encode())
            os.fsync(self._file)
        elif self._run.screen.is_json:
            self._run.screen.document(record)
        else:
            print(secret)
        sys.stdout.flush()


@contextmanager
def secret_place(run: Invocation, out: Path | None) -> Iterator[SecretPlace]:
    """Raises `CommandFailed` before anything is made if there is no such place."""
    file = None if out is None else _new_file(out)
    place = SecretPlace(run, file, out)
    try:
        yield place
    finally:
        if file is not None and out is not None:
            os.close(file)
            if not place.is_filled:
                out.unlink(missing_ok=True)


def _new_file(path: Path) -> int:
    try:
        return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise CommandFailed(f"{path} is there already, and is not overwritten: nothing was made") from None
    except OSError as error:
        raise CommandFailed(f"{path} cannot be written: {error.strerror}: nothing was made") from None
