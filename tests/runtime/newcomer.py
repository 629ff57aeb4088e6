"""A newcomer's afternoon with the command alone, on a stack of its own: `python -m tests.runtime.newcomer` prints it."""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from local.paths import ROOT
from local.stack import Stack

CALL = """curl -sS "$BASE/v1/proxy/openai/v1/chat/completions" -o /dev/null -w "%{http_code}\\n" \\
    -H "authorization: Bearer $(cat research.token)" -H "x-agentwatch-session-id: run-1" -H "content-type: application/json" \\
    -d '{"model": "gpt-4o-mini", "max_tokens": 20, "messages": [{"role": "user", "content": "hello"}]}'"""

DOCTOR = "AGENTWATCH_CALL_KEY=$(cat research.token) agentwatch doctor --profile local"

AFTERNOON = (
    "agentwatch init --local --yes --tenant {tenant}",
    "agentwatch key create research --team research --budget 20 --out research.token --profile local",
    "agentwatch budget set 50 --team research --alert-percent 80 --profile local",
    CALL,
    "agentwatch tail --no-follow -n 1 --profile local",
    "agentwatch usage --group-by team,model --from 24h --profile local",
    DOCTOR,
)
RECORDED_S_MAX = 20.0
"""Within which a call is seen by those who follow."""


@dataclass(frozen=True)
class Said:
    """A line that was typed, and what came of it."""

    line: str
    stdout: str
    stderr: str
    exit_code: int

    def __str__(self) -> str:
        ended = f"\n[exit {self.exit_code}]" if self.exit_code else ""
        return f"$ {self.line}\n{self.stderr}{self.stdout}".rstrip() + ended


@dataclass
class Terminal:
    """A shell in a folder that has the description of a running stack, as a checkout has after `make up`."""

    stack: Stack
    folder: Path
    said: list[Said] = field(default_factory=list)

    def __post_init__(self) -> None:
        (self.folder / ".local").mkdir()
        (self.folder / ".local/stack.json").write_text(json.dumps(self.stack.describe()))
        (self.folder / "bin").mkdir()
        program = self.folder / "bin/agentwatch"
        program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m agentwatch.cli "$@"\n')
        program.chmod(0o755)

    def type(self, line: str) -> Said:
        environment = {
            "PATH": f"{self.folder / 'bin'}:{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT / "sdk/python/src"),
            "HOME": str(self.folder),
            "BASE": self.stack.edge_url,
        }
        done = subprocess.run(
            ["bash", "-o", "pipefail", "-c", line], cwd=self.folder, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True,
            timeout=180,
        )  # fmt: skip
        self.said.append(Said(line, done.stdout, done.stderr, done.returncode))
        return self.said[-1]

    def type_again_until(self, word: str) -> None:
        """The last line, until its answer has the word: a record is on its way for some seconds."""
        deadline = time.monotonic() + RECORDED_S_MAX
        while word not in self.said[-1].stdout and time.monotonic() < deadline:
            self.type(self.said.pop().line)


@contextmanager
def an_older_database(stack: Stack) -> Iterator[None]:
    """Somebody has brought back a database of before the last migrations."""
    assert stack.postgres_dsn is not None
    with psycopg.connect(stack.postgres_dsn, autocommit=True) as connection:
        (present,) = connection.execute("select pg_get_functiondef('public.schema_version'::regproc)").fetchone() or (
            "",
        )
        connection.execute(
            "create or replace function public.schema_version() returns text language sql immutable as "
            "$$ select '0019_actors' $$"
        )
        try:
            yield
        finally:
            connection.execute(present.encode())


def afternoon(stack: Stack, folder: Path, tenant: str) -> Terminal:
    """Init, a key, a budget, a call, tail, usage, doctor; then doctor once more, with one thing broken."""
    terminal = Terminal(stack, folder)
    for line in AFTERNOON:
        terminal.type(line.replace("{tenant}", tenant))
        if line.startswith(("agentwatch tail", "agentwatch usage")):
            terminal.type_again_until("gpt-4o-mini")
    with an_older_database(stack):
        terminal.type(f"{DOCTOR} | grep -v ^ok")
    return terminal


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, Stack(Path(folder) / "state") as stack:
        home = Path(folder) / "home"
        home.mkdir()
        terminal = afternoon(stack, home, "main")
    print("\n\n".join(map(str, terminal.said[:-1])))
    print("\n# somebody brings back an older database\n")
    print(terminal.said[-1])


if __name__ == "__main__":
    main()
