"""Notices when a file of a Worker changes."""

from pathlib import Path

from local.paths import ROOT

WATCHED = ("src", "durable_objects", "queue_consumer")


def snapshot() -> dict[Path, int]:
    """Every watched file and when it last changed (ns)."""
    files = (path for folder in WATCHED for path in (ROOT / folder).rglob("*.*"))
    return {path: path.stat().st_mtime_ns for path in files if path.suffix in (".py", ".mjs", ".json", ".toml")}


def changed_since(seen: dict[Path, int]) -> Path | None:
    """A file that was changed, added or removed since the snapshot, or None."""
    differing = seen.items() ^ snapshot().items()
    return next(iter(differing))[0] if differing else None
