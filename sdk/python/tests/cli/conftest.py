"""The command as a test runs it: in this process with pipes or with a terminal, or as a process of its own."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import subprocess
import sys
import termios
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from cli.scripted_api import TOKEN, ScriptedApi, scripted_api
from typer.testing import CliRunner

from agentwatch.cli.api import client
from agentwatch.cli.app import app
from agentwatch.cli.commands.records import tail

QUESTION_ENDS = (b": ", b" [y/N] ")
"""How questions end; the whole of one is there when the terminal is ready for the answer."""

SILENCE_S = 30
"""After which a terminal that shows nothing is taken for one that waits for ever."""

SOURCES = Path(__file__).resolve().parents[2] / "src"


@dataclass(frozen=True)
class Done:
    code: int
    out: str
    err: str

    @property
    def all(self) -> str:
        return self.out + self.err


@dataclass
class Cli:
    """`environment` is all that the command knows of one."""

    environment: dict[str, str]

    def run(self, *arguments: str, typed: str | None = None, **environment: str) -> Done:
        """With pipes at its ends."""
        cleared = {name: None for name in os.environ if name not in ("PATH", "PYTHONPATH")}
        result = CliRunner().invoke(
            app,
            list(arguments),
            input=typed,
            env={**cleared, **self.environment, **environment},
            prog_name="agentwatch",
        )
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        return Done(result.exit_code, result.stdout, result.stderr)

    def process(self, *arguments: str, typed: str = "", **environment: str) -> Done:
        done = subprocess.run(
            [sys.executable, "-m", "agentwatch.cli", *arguments],
            input=typed, capture_output=True, text=True, timeout=60, check=False, env=self.whole(environment),
        )  # fmt: skip
        return Done(done.returncode, done.stdout, done.stderr)

    def terminal(self, *arguments: str, typed: str = "", **environment: str) -> Done:
        """With a terminal at all its ends; what it shows is `out`."""
        ours, theirs = pty.openpty()
        process = subprocess.Popen(
            [sys.executable, "-m", "agentwatch.cli", *arguments],
            stdin=theirs, stdout=theirs, stderr=theirs, env=self.whole(environment), start_new_session=True,
            preexec_fn=_as_typed_by_a_person,
        )  # fmt: skip
        os.close(theirs)
        shown, is_typed = b"", not typed
        while piece := _read(ours):
            shown += piece
            if not is_typed and shown.endswith(QUESTION_ENDS):
                # Not before all of it is there: what is typed before the terminal stops to show it is thrown away.
                os.write(ours, typed.encode())
                is_typed = True
        os.close(ours)  # which hangs up on whoever still waits for something
        return Done(process.wait(timeout=60), shown.decode(errors="replace"), "")

    def whole(self, environment: Mapping[str, str]) -> dict[str, str]:
        own = {"PYTHONPATH": os.pathsep.join([str(SOURCES), os.environ.get("PYTHONPATH", "")])}
        return {"PATH": os.environ["PATH"], "TERM": "xterm-256color", **own, **self.environment, **environment}


def heeds_interrupts() -> None:
    """What runs behind a shell's back, as tests may, is started deaf to them, and so would be what it starts."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def _as_typed_by_a_person() -> None:
    heeds_interrupts()
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def _read(terminal: int) -> bytes:
    """Nothing where it has ended, which Linux tells as an error, or where nothing comes any more."""
    try:
        is_there, _, _ = select.select([terminal], [], [], SILENCE_S)
        return os.read(terminal, 65_536) if is_there else b""
    except OSError:
        return b""


@pytest.fixture
def served() -> Iterator[tuple[ScriptedApi, str]]:
    with scripted_api() as made:
        yield made


@pytest.fixture
def api(served: tuple[ScriptedApi, str]) -> ScriptedApi:
    return served[0]


@pytest.fixture
def url(served: tuple[ScriptedApi, str]) -> str:
    return served[1]


@pytest.fixture
def cli(url: str, tmp_path: Path) -> Cli:
    home = tmp_path / "home"
    home.mkdir()
    return Cli({"HOME": str(home), "AGENTWATCH_BASE_URL": url, "AGENTWATCH_API_KEY": TOKEN})


@pytest.fixture(autouse=True)
def waited(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """For how long the command in this process would have slept."""
    pauses: list[float] = []
    monkeypatch.setattr(client, "sleep", pauses.append)
    monkeypatch.setattr(tail, "sleep", pauses.append)
    return pauses
