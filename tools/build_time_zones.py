"""Builds `src/core/tenant/rules/time_zones.json` from the `tzdata` package that the lock pins: for every zone the rule
that holds from 2026 on, and one by one the changes that depart from it.

`build` writes the table, `check` fails where it is not what the package gives. A new release is a new pin in
`requirements/dev.txt`, and `build`.
"""

from __future__ import annotations

import json
import re
import struct
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib import resources
from itertools import pairwise
from pathlib import Path

import msgspec
import typer

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [folder for folder in (str(ROOT), str(ROOT / "src")) if folder not in sys.path]

TABLE = ROOT / "src" / "core" / "tenant" / "rules" / "time_zones.json"
FROM_S = int(datetime(2026, 1, 1, tzinfo=UTC).timestamp())

_NAME = r"(?:<[^>]+>|[A-Za-z]+)"
_OFFSET = r"([+-]?\d+(?::\d+){0,2})"
_SWITCH = r"M(\d+)\.(\d)\.(\d)(?:/([+-]?\d+(?::\d+){0,2}))?"
_POSIX = re.compile(f"{_NAME}{_OFFSET}(?:{_NAME}{_OFFSET}?,{_SWITCH},{_SWITCH})?")
"""As RFC 9636 (section 3.3.1) has it; of the forms of a switch only the one that zones use."""

Transitions = list[tuple[int, int]]
"""Moments, and the offset from each on."""

app = typer.Typer(help=__doc__, no_args_is_help=True, add_completion=False)


@app.command()
def build() -> None:
    """Write the table."""
    TABLE.write_text(table_text())


@app.command()
def check() -> None:
    """Fail where the table is not what the package gives."""
    if TABLE.read_text() != table_text():
        typer.echo(f"{TABLE.relative_to(ROOT)} is not what its package gives: run build", err=True)
        raise typer.Exit(1)


def table_text() -> str:
    """The table, a line for each group of zones that show the same."""
    import tzdata

    groups: dict[str, list[str]] = {}
    for name in zone_names():
        groups.setdefault(json.dumps(zone_of(zone_file(name)), separators=(",", ":")), []).append(name)
    lines = [
        f'{{"names":{json.dumps(names, separators=(",", ":"))},{zone[1:]}'
        for zone, names in sorted(groups.items(), key=lambda group: group[1])
    ]
    version = json.dumps(tzdata.IANA_VERSION)
    return f'{{"version":{version},"zones":[\n' + ",\n".join(lines) + "\n]}\n"


def zone_names() -> list[str]:
    return sorted(resources.files("tzdata").joinpath("zones").read_text().split())


def zone_file(name: str) -> bytes:
    """A zone as it is compiled (TZif, RFC 9636)."""
    return resources.files("tzdata").joinpath("zoneinfo", *name.split("/")).read_bytes()


def zone_of(compiled: bytes) -> dict[str, object]:
    """A zone as the table has it, without its names."""
    transitions, posix = read_compiled(compiled)
    rule = read_posix(posix)
    first_s = next((offset for moment, offset in reversed(transitions) if moment <= FROM_S), 0)
    changes = _departures([change for change in transitions if change[0] > FROM_S], first_s, rule)
    return rule | ({"first_s": first_s, "changes": changes} if changes else {})


def _departures(later: Transitions, first_s: int, rule: dict[str, object]) -> Transitions:
    """The changes up to the last one that the rule does not give; none where it gives all of them."""
    before, kept = first_s, 0
    for number, (moment, offset) in enumerate(later, 1):
        if _ruled(rule, moment - 1) != before or _ruled(rule, moment) != offset:
            kept = number
        before = offset
    if any(_ruled(rule, moment) != offset for moment, offset in _hourly(later, first_s, kept)):
        kept = len(later)
    return later[:kept]


def _hourly(later: Transitions, first_s: int, kept: int) -> Iterator[tuple[int, int]]:
    """Every hour from the last departure to the last change: a rule may switch where the zone does not."""
    edges = [(FROM_S, first_s), *later][kept:]
    for (moment, offset), (until, _) in pairwise(edges):
        yield from ((at, offset) for at in range(moment, until, 3_600))


def _ruled(rule: dict[str, object], at_s: int) -> int:
    from core.tenant.rules.time_zones import Zone

    return msgspec.convert({"names": [], **rule}, Zone).offset_at(at_s)


def read_compiled(compiled: bytes) -> tuple[Transitions, str]:
    """The transitions, and the rule after the last one."""
    skipped = 44 + _block_bytes(compiled, 0, moment_bytes=4)
    utc, standard, leaps, moments, kinds, characters = _counts(compiled, skipped)
    at = skipped + 44
    times = struct.unpack_from(f">{moments}q", compiled, at)
    indices = compiled[at + 8 * moments : at + 9 * moments]
    offsets = [struct.unpack_from(">i", compiled, at + 9 * moments + 6 * kind)[0] for kind in range(kinds)]
    footer = at + 9 * moments + 6 * kinds + characters + 12 * leaps + standard + utc
    posix = compiled[footer:].strip(b"\n").decode()
    return [(moment, offsets[index]) for moment, index in zip(times, indices, strict=True)], posix


def _counts(compiled: bytes, at: int) -> tuple[int, ...]:
    assert compiled[at : at + 4] == b"TZif", "not a compiled zone"
    return struct.unpack_from(">6l", compiled, at + 20)


def _block_bytes(compiled: bytes, at: int, *, moment_bytes: int) -> int:
    utc, standard, leaps, moments, kinds, characters = _counts(compiled, at)
    return moments * (moment_bytes + 1) + kinds * 6 + characters + leaps * (moment_bytes + 4) + standard + utc


def read_posix(text: str) -> dict[str, object]:
    """`EST5EDT,M3.2.0,M11.1.0` as the table has it: offsets ahead of UTC, switches with their seconds."""
    found = _POSIX.fullmatch(text)
    assert found is not None, f"a rule of another form: {text}"
    offset_s = -_seconds(found[1])
    if found[3] is None:
        return {"offset_s": offset_s}
    summer_s = offset_s + 3_600 if found[2] is None else -_seconds(found[2])
    starts, ends = (
        [int(found[at]), int(found[at + 1]), int(found[at + 2]), _seconds(found[at + 3] or "2")] for at in (3, 7)
    )
    return {"offset_s": offset_s, "summer": [summer_s, starts, ends]}


def _seconds(text: str) -> int:
    hours, minutes, seconds, *_ = [*(int(part) for part in text.lstrip("+-").split(":")), 0, 0]
    return (-1 if text.startswith("-") else 1) * (hours * 3_600 + minutes * 60 + seconds)


if __name__ == "__main__":
    app()
