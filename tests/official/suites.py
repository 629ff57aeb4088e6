"""The official clients' source distributions: fetched, unpacked, and their tests run in a process of their own.

Everything is installed below `.local/official`. What is put in the place of what, and what the clients talk to, is said
by whoever runs a suite.
"""

import os
import re
import subprocess
import sys
import tarfile
import xml.etree.ElementTree as ET
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from rich.console import Console

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
PLACE = ROOT / ".local" / "official"
PREVIOUS = ROOT / ".local" / "sdk-previous"
LOCK = ROOT / "requirements" / "official-suites.txt"
SITE = PLACE / "site"

console = Console()


@dataclass(frozen=True)
class Outcome:
    """How a test ended: `passed`, `failed` or `skipped`, and with what code a call of it was refused."""

    result: str
    refusal: str | None = None


Outcomes = dict[str, Outcome]


@dataclass(frozen=True)
class Suite:
    """A client's source distribution."""

    client: str
    folder: Path
    previous: bool

    def search_path(self) -> str:
        """Where Python finds the client, the SDK and what the suite needs."""
        path = [*([PREVIOUS] if self.previous else []), ROOT / "sdk" / "python" / "src", SITE]
        return os.pathsep.join(map(str, path))

    def run(self, how: str, *, only: str, plugin: str | None = None, env: Mapping[str, str]) -> Outcomes:
        """Its tests below some paths, with a plugin of this folder's."""
        report = PLACE / f"{self.folder.name}-{how.replace(' ', '-')}.xml"
        report.unlink(missing_ok=True)
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--tb=line", f"--junitxml={report}"]
        if plugin is not None:
            (SITE / f"tests_official_{plugin}.py").write_text((HERE / f"{plugin}.py").read_text())
            command += ["-p", f"tests_official_{plugin}"]
        environment = {**os.environ, "PYTHONPATH": self.search_path(), **env}
        with console.status(f"{self.folder.name}, {how}"), (PLACE / f"{report.stem}.log").open("w") as log:
            subprocess.run(
                [*command, *only.split()],
                cwd=self.folder,
                env=environment,
                stdout=log,
                stderr=subprocess.STDOUT,
                check=False,
            )
        outcomes = {_name(case): _outcome(case) for case in ET.parse(report).iter("testcase")}
        if not outcomes:
            raise SystemExit(f"none of the tests of {self.folder.name} ran: {log.name}")
        return outcomes

    def size(self) -> int:
        """How many tests it has."""
        environment = {**os.environ, "PYTHONPATH": self.search_path()}
        command = [sys.executable, "-m", "pytest", "-q", "--collect-only", "-p", "no:cacheprovider", "-n", "0", "tests"]
        told = subprocess.run(command, cwd=self.folder, env=environment, capture_output=True, text=True, check=False)
        return int(re.findall(r"(\d+) tests collected", told.stdout)[-1])


def suite_of(client: str, *, previous: bool) -> Suite:
    """Installs and fetches what is missing."""
    _install()
    of = _previous_version(client) if previous else version(client)
    folder = PLACE / f"{client}-{of}"
    if not folder.exists():
        console.print(f"fetching the source of {client} {of}")
        _pip("download", "--no-deps", "--no-binary", ":all:", "--dest", str(PLACE), f"{client}=={of}")
        with tarfile.open(PLACE / f"{folder.name}.tar.gz") as archive:
            archive.extractall(PLACE, filter="data")
    return Suite(client, folder, previous)


def _previous_version(client: str) -> str:
    found = next(PREVIOUS.glob(f"{client}-*.dist-info"))
    return found.name.removeprefix(f"{client}-").removesuffix(".dist-info")


def _install() -> None:
    """What the suites need, installed where the lock has changed."""
    stamp = PLACE / "installed"
    if not stamp.exists() or stamp.read_text() != LOCK.read_text():
        console.print("installing what the suites need")
        _pip("install", "--require-hashes", "--no-deps", "--target", str(SITE), "--upgrade", "-r", str(LOCK))
        stamp.write_text(LOCK.read_text())


def _pip(*arguments: str) -> None:
    PLACE.mkdir(parents=True, exist_ok=True)
    subprocess.run([sys.executable, "-m", "pip", "-q", "--disable-pip-version-check", *arguments], check=True)


def _name(case: ET.Element) -> str:
    return f"{case.get('classname')}::{case.get('name')}"


def _outcome(case: ET.Element) -> Outcome:
    if case.find("failure") is not None or case.find("error") is not None:
        refusal = case.find("properties/property[@name='refusal']")
        return Outcome("failed", None if refusal is None else refusal.get("value"))
    return Outcome("passed" if case.find("skipped") is None else "skipped")
