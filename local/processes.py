"""Child processes of the stack: started with a log file, waited for, and never outliving their supervisor."""

import ctypes
import os
import random
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

STOP_TIMEOUT_S = 10.0
ANSWER_TIMEOUT_S = 5.0
PORTS = (10_000, 32_000)
_PR_SET_PDEATHSIG = 1


class StackError(Exception):
    """The stack cannot start or go on; the message tells a person what to do."""


def free_port() -> int:
    """A loopback port that nobody listens on just now, below those that Linux gives to outgoing connections: one of
    them could have it before its server has started."""
    while True:
        port = random.randrange(*PORTS)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def answers(url: str, *, timeout_s: float = ANSWER_TIMEOUT_S) -> bool:
    """Does somebody answer there, and that all is well?"""
    try:
        with urlopen(url, timeout=timeout_s) as response:
            return bool(response.status == 200)
    except (URLError, OSError):
        return False


def require_free(port: int, what: str) -> None:
    """Raise `StackError` if something listens on the port already."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            raise StackError(
                f"port {port} for {what} is taken; choose another one with PORT=<number>, "
                "or stop what listens there (`make down` if it is this stack)"
            ) from None


class Child:
    """One child process, its output in a log file."""

    def __init__(
        self,
        name: str,
        command: Sequence[str | Path],
        log_dir: Path,
        *,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
    ) -> None:
        log_dir.mkdir(parents=True, exist_ok=True)
        self.name = name
        self.log_path = log_dir / f"{name}.log"
        if not Path(command[0]).exists():
            raise StackError(f"{command[0]} is missing; run `make setup`")
        with self.log_path.open("ab") as log:
            self.process = subprocess.Popen(
                [str(part) for part in command],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                env={**os.environ, **(env or {})},
                cwd=cwd,
                text=True,
                preexec_fn=_end_with_parent,
                start_new_session=True,
            )

    def wait_until(self, is_ready: Callable[[], bool], *, timeout_s: float) -> None:
        """Return once `is_ready`; raise `StackError` with the log's end if the child ends or takes too long."""
        deadline = time.monotonic() + timeout_s
        while not is_ready():
            if self.process.poll() is not None:
                raise StackError(f"{self.name} ended at start:\n{self.log_end()}")
            if time.monotonic() > deadline:
                raise StackError(f"{self.name} did not start in {timeout_s:.0f} s:\n{self.log_end()}")
            time.sleep(0.05)

    def log_end(self) -> str:
        """The last lines of the log."""
        lines = self.log_path.read_text(errors="replace").splitlines()
        return "\n".join(lines[-15:])

    def stop(self, first_signal: int = signal.SIGTERM) -> None:
        """End the child and everything it started."""
        if self.process.poll() is None:
            self.process.send_signal(first_signal)
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(STOP_TIMEOUT_S)
        _kill_group(self.process.pid)
        self.process.wait()
        assert self.process.stdin is not None
        self.process.stdin.close()


def _kill_group(pid: int) -> None:
    try:
        os.killpg(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def _end_with_parent() -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
