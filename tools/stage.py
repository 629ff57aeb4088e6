"""Copies exactly what each Worker needs into `build/`, the folder wrangler and the local stack read.

A Worker's files land flat on its import path, so `src/` itself becomes the root and siblings are
imported as top-level modules. Tests and everything else outside the lists below stay out.
"""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build"

# destination folder -> (source, place inside the destination)
EDGE = (("src", "."), ("durable_objects", "durable_objects"))
CONSUMER = (
    ("queue_consumer", "."),
    ("src/core", "core"),
    ("src/ports.py", "ports.py"),
    ("src/bindings/deadlines.mjs", "bindings/deadlines.mjs"),
    ("src/bindings/deadlines.py", "bindings/deadlines.py"),
    ("src/bindings/ffi.py", "bindings/ffi.py"),
    ("src/bindings/ledger.py", "bindings/ledger.py"),
    ("src/bindings/ledgers.mjs", "bindings/ledgers.mjs"),
    ("src/bindings/webcrypto", "bindings/webcrypto"),
)


def worker_files(pairs: tuple[tuple[str, str], ...]) -> dict[Path, Path]:
    """Place inside the Worker -> file it is copied from."""
    files: dict[Path, Path] = {}
    for source, place in pairs:
        origin = ROOT / source
        if origin.is_file():
            files[Path(place)] = origin
        for path in sorted(origin.rglob("*")):
            if path.suffix in {".py", ".json", ".mjs"} and "python_modules" not in path.parts:
                files[Path(place) / path.relative_to(origin)] = path
    return files


def stage(destination: Path, files: dict[Path, Path]) -> None:
    """Make `destination` hold exactly `files`, leaving unchanged ones untouched."""
    wanted = {destination / place: origin for place, origin in files.items()}
    for target, origin in wanted.items():
        contents = origin.read_bytes()
        if not target.is_file() or target.read_bytes() != contents:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(contents)
    for path in sorted(destination.rglob("*"), reverse=True):
        if path.is_dir():
            if not any(path.iterdir()):
                path.rmdir()
        elif path not in wanted:
            path.unlink()


def main() -> int:
    stage(BUILD / "edge", worker_files(EDGE))
    stage(BUILD / "consumer", worker_files(CONSUMER))
    return 0


if __name__ == "__main__":
    sys.exit(main())
