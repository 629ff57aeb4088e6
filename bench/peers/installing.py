"""Puts a peer into a folder of its own, once for its pins, and says why where that fails.

A folder counts as installed only when the stamp of these very pins is in it, which is written last: an installation
that was interrupted is begun again.
"""

import hashlib
import json
import platform
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from local.paths import LOCAL, NODE, ROOT
from local.processes import Child, StackError

PEERS = LOCAL / "peers"
LOGS = PEERS / "logs"
INSTALL_TIMEOUT_S = 900.0
PROGRESS_S = 10.0
REASON_LINES_MAX, REASON_LINE_CHARS_MAX = 3, 120

Command = tuple[str | Path, ...]
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Installation:
    """The pins of a peer are copied into its folder, then the commands run there, one after the other."""

    name: str
    version: str
    folder: Path
    pins: tuple[Path, ...]
    commands: tuple[Command, ...]

    @property
    def stamp(self) -> str:
        """Another one for every change of the pins or of the interpreter that the folder is made by."""
        pins = [hashlib.sha256(path.read_bytes()).hexdigest() for path in self.pins]
        return "\n".join([platform.python_version(), *pins])


def litellm_installation() -> Installation:
    lock = ROOT / "requirements" / "peers-litellm.txt"
    pinned = re.search(r"^litellm==(\S+)", lock.read_text(), re.MULTILINE)
    assert pinned is not None, "the lock pins LiteLLM"
    pip: Command = (sys.executable, "-m", "pip", "--python", "bin/python", "install", "--disable-pip-version-check")
    return Installation(
        "LiteLLM",
        pinned[1],
        PEERS / "litellm",
        (lock,),
        (
            (sys.executable, "-m", "venv", "--without-pip", "."),
            (*pip, "--require-hashes", "--no-deps", "-r", lock.name),
        ),
    )


def portkey_installation() -> Installation:
    files = tuple(Path(__file__).parent / "portkey" / name for name in ("package.json", "package-lock.json", ".npmrc"))
    version = json.loads(files[0].read_text())["dependencies"]["@portkey-ai/gateway"]
    return Installation(
        "Portkey",
        version,
        PEERS / "portkey",
        files,
        ((NODE.with_name("npm"), "ci", "--ignore-scripts", "--loglevel=error"),),
    )


def install(peer: Installation, say: Say) -> str | None:
    """None once the peer is in its folder; otherwise why it could not be installed."""
    stamp = peer.folder / "installed"
    if stamp.exists() and stamp.read_text() == peer.stamp:
        return None
    say(f"peers: installing {peer.name} {peer.version} into {peer.folder}")
    shutil.rmtree(peer.folder, ignore_errors=True)
    try:
        peer.folder.mkdir(parents=True)
        for path in peer.pins:
            shutil.copy(path, peer.folder)
        for command in peer.commands:
            _run(peer, command, say)
        stamp.write_text(peer.stamp)
    except (StackError, OSError) as error:
        return f"could not be installed: {error}"
    return None


def reason(output: str) -> str:
    """What an installer says went wrong: its first lines that speak of an error, or else its last line."""
    lines = [line.strip() for line in output.splitlines() if line.strip() not in ("", "npm error")]
    errors = [line for line in lines if "error" in line.lower()][:REASON_LINES_MAX]
    return "; ".join(line[:REASON_LINE_CHARS_MAX] for line in errors or lines[-1:]) or "it said nothing"


def log_name(name: str) -> str:
    """The name of a log that begins empty."""
    (LOGS / f"{name}.log").unlink(missing_ok=True)
    return name


def _run(peer: Installation, command: Command, say: Say) -> None:
    """Raises `StackError` with the installer's own words where it fails or takes too long."""
    started_s = time.monotonic()
    child = Child(log_name(f"install-{peer.folder.name}"), command, LOGS, cwd=peer.folder)
    try:
        while (status := _status_after(child, PROGRESS_S)) is None:
            taken_s = time.monotonic() - started_s
            if taken_s > INSTALL_TIMEOUT_S:
                raise StackError(f"not done after {taken_s:.0f} s")
            _, _, latest = child.log_end().rpartition("\n")
            say(f"peers: {peer.name}, {taken_s:.0f} s: {latest[:100]}")
    finally:
        child.stop()
    if status:
        raise StackError(reason(child.log_path.read_text(errors="replace")))


def _status_after(child: Child, seconds: float) -> int | None:
    """Its exit status, None where it is still running then."""
    try:
        return child.process.wait(seconds)
    except subprocess.TimeoutExpired:
        return None
