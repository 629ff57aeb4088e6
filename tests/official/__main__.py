"""`python -m tests.official [openai|anthropic]…`: run the official clients' own tests twice, as they are and with the
watched clients in place, and tell what differs.

A test that fails both times says nothing of ours (most of those ask a mock of the whole API that is not published);
one that passes as it is and fails watched is ours to explain. Everything is installed below `.local/official`.
"""

import os
import subprocess
import sys
import tarfile
import xml.etree.ElementTree as ET
from collections import Counter
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).resolve().parents[2]
PLACE = ROOT / ".local" / "official"
PREVIOUS = ROOT / ".local" / "sdk-previous"
LOCK = ROOT / "requirements" / "official-suites.txt"

console = Console()


def main(
    suites: Annotated[list[str] | None, typer.Argument(help="openai, anthropic, or both.")] = None,
    previous: Annotated[bool, typer.Option(help="The previous majors instead of the present ones.")] = False,
    only: Annotated[str, typer.Option(help="Which of their tests, by path.")] = "tests",
) -> None:
    """Run, compare, and exit 1 where a test passes with the official client alone."""
    site = _installed()
    table = Table(
        "suite", "passes both times", "fails both times", "skipped", "fails watched only", "passes watched only"
    )
    lost: list[str] = []
    for suite in suites or ["openai", "anthropic"]:
        folder = _unpacked(suite, _version_of(suite, previous=previous))
        plain = _outcomes(suite, folder, site, previous=previous, only=only, is_watched=False)
        watched = _outcomes(suite, folder, site, previous=previous, only=only, is_watched=True)
        pairs = Counter((plain.get(test), watched.get(test)) for test in plain.keys() | watched.keys())
        lost += [test for test in plain if plain[test] == "passed" and watched.get(test) != "passed"]
        gained = sum(count for (before, after), count in pairs.items() if before != "passed" and after == "passed")
        table.add_row(
            folder.name, *(str(pairs[each, each]) for each in ("passed", "failed", "skipped")),
            str(sum(count for (before, after), count in pairs.items() if before == "passed" and after != "passed")),
            str(gained),
        )  # fmt: skip
    console.print(table)
    for test in sorted(lost):
        console.print(f"fails watched only: {test}", soft_wrap=True)
    raise typer.Exit(bool(lost))


def _version_of(suite: str, *, previous: bool) -> str:
    if not previous:
        return version(suite)
    return next(PREVIOUS.glob(f"{suite}-*.dist-info")).name.removeprefix(f"{suite}-").removesuffix(".dist-info")


def _installed() -> Path:
    """The folder of what the suites need, installed where the lock has changed."""
    site, stamp = PLACE / "site", PLACE / "installed"
    if not stamp.exists() or stamp.read_text() != LOCK.read_text():
        console.print("installing what the suites need")
        _pip("install", "--require-hashes", "--no-deps", "--target", str(site), "--upgrade", "-r", str(LOCK))
        stamp.write_text(LOCK.read_text())
    return site


def _unpacked(suite: str, of: str) -> Path:
    """The source distribution of a suite, which has its tests."""
    folder = PLACE / f"{suite}-{of}"
    if not folder.exists():
        console.print(f"fetching the source of {suite} {of}")
        _pip("download", "--no-deps", "--no-binary", ":all:", "--dest", str(PLACE), f"{suite}=={of}")
        with tarfile.open(PLACE / f"{folder.name}.tar.gz") as archive:
            archive.extractall(PLACE, filter="data")
    return folder


def _pip(*arguments: str) -> None:
    PLACE.mkdir(parents=True, exist_ok=True)
    subprocess.run([sys.executable, "-m", "pip", "-q", "--disable-pip-version-check", *arguments], check=True)


def _outcomes(suite: str, folder: Path, site: Path, *, previous: bool, only: str, is_watched: bool) -> dict[str, str]:
    """How each test of a suite ended."""
    how = "watched" if is_watched else "as it is"
    report = PLACE / f"{folder.name}-{how.replace(' ', '-')}.xml"
    report.unlink(missing_ok=True)
    path = [*([str(PREVIOUS)] if previous else []), str(ROOT / "sdk" / "python" / "src"), str(site)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path), "AGENTWATCH_SUITE": suite}
    plugin = ["-p", "tests_official_in_place"] if is_watched else []
    (site / "tests_official_in_place.py").write_text((ROOT / "tests" / "official" / "in_place.py").read_text())
    with console.status(f"{folder.name}, {how}"):
        subprocess.run(
            [sys.executable, "-m", "pytest", *plugin, "-q", "-p", "no:cacheprovider", f"--junitxml={report}", only],
            cwd=folder, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT, check=False,
        )  # fmt: skip
    return {_name(case): _outcome(case) for case in ET.parse(report).iter("testcase")}


def _name(case: ET.Element) -> str:
    return f"{case.get('classname')}::{case.get('name')}"


def _outcome(case: ET.Element) -> str:
    if case.find("failure") is not None or case.find("error") is not None:
        return "failed"
    return "passed" if case.find("skipped") is None else "skipped"


if __name__ == "__main__":
    typer.run(main)
