"""Builds `src/core/money/prices.json` from two independent price sources, and checks that they still agree.

`update` is the one command for the day a provider changes a price or ships a model: it fetches the newest releases of
both sources, prints what changed in each and in the table, names what a person must decide first, and writes only when
nothing is left to decide. `build` does the same from the committed extracts, after `review.toml` was edited. `check` is
the gate. All exit with 0 when the table is current and reviewed, and with 1 when something is left to do.
"""

from __future__ import annotations

import hashlib
import json
import sys
import tempfile
import tomllib
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, NoReturn

import msgspec
import typer

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [folder for folder in (str(ROOT), str(ROOT / "src")) if folder not in sys.path]

from tools import price_review, price_sources, price_table  # noqa: E402
from tools.price_changes import source_changes, table_changes  # noqa: E402
from tools.price_sources import Pin, SourceExtract  # noqa: E402
from tools.price_text import read_table, render_extract, render_table  # noqa: E402

DATA = ROOT / "tools" / "price_data"
TABLE = ROOT / "src" / "core" / "money" / "prices.json"
GENAI = DATA / "genai-prices.json"
LITELLM = DATA / "litellm.json"
REVIEWS = DATA / "review.toml"

app = typer.Typer(help=__doc__, no_args_is_help=True, add_completion=False)

DryRun = Annotated[bool, typer.Option("--dry-run", help="Write nothing; exit with 1 if something would be written.")]


def load_extract(path: Path) -> SourceExtract:
    """A committed extract, which carries the pin of the wheel it was made from."""
    return msgspec.json.decode(path.read_bytes(), type=SourceExtract)


def load_reviews() -> price_review.Reviews:
    return msgspec.convert(tomllib.loads(REVIEWS.read_text()), price_review.Reviews)


def committed_table() -> str:
    """The table's text as the committed inputs give it. Raises `UnreviewedPrices`."""
    genai, litellm = load_extract(GENAI), load_extract(LITELLM)
    return render_table(price_table.build(genai, litellm, load_reviews()), genai, litellm)


@app.command()
def update(
    genai_version: Annotated[str | None, typer.Option(help="genai-prices version; newest if absent.")] = None,
    litellm_version: Annotated[str | None, typer.Option(help="litellm version; newest if absent.")] = None,
    as_of: Annotated[str | None, typer.Option(help="The day whose prices are current; today if absent.")] = None,
    dry_run: DryRun = False,
) -> None:
    """Fetch both sources, show what changed, and write the extracts and the table."""
    day = date.fromisoformat(as_of) if as_of else datetime.now(UTC).date()
    with tempfile.TemporaryDirectory() as folder:
        pins = [
            _pin(name, price_sources.download_latest(name, version, Path(folder)))
            for name, version in (("genai-prices", genai_version), ("litellm", litellm_version))
        ]
        genai, litellm = extracts_of(pins[0], pins[1], Path(folder), day)
    known = (load_extract(GENAI), load_extract(LITELLM))
    changes = [source_changes(old, new) for old, new in zip(known, (genai, litellm), strict=True)]
    for old, new, lines in zip(known, (genai, litellm), changes, strict=True):
        _show(f"{new.source} {old.version} → {new.version}", lines)
    if not any(changes) and [old.sha256 for old in known] == [pin.sha256 for pin in pins]:
        genai, litellm = known  # Another day alone makes no other table.
    _write_table(genai, litellm, dry_run=dry_run)


@app.command()
def build(dry_run: DryRun = False) -> None:
    """Make the table from the committed extracts and reviews, showing what changed."""
    _write_table(load_extract(GENAI), load_extract(LITELLM), dry_run=dry_run)


@app.command()
def check(
    from_wheels: Annotated[
        bool,
        typer.Option("--from-wheels", help="Also make the extracts anew from the pinned wheels."),
    ] = False,
) -> None:
    """Fail on any unreviewed difference, stale review, or table that is not up to date."""
    try:
        text = committed_table()
    except price_review.UnreviewedPrices as error:
        _fail(error.problems)
    if TABLE.read_text() != text:
        _fail([f"{TABLE.relative_to(ROOT)} is not what its inputs give: run build"])
    if from_wheels:
        _check_extracts()
    typer.echo(f"prices {json.loads(text)['version']} are current and reviewed")


def extracts_of(genai: Pin, litellm: Pin, wheels: Path, as_of: date) -> tuple[SourceExtract, SourceExtract]:
    """Both extracts made anew from the wheels in a folder."""
    (litellm_wheel,) = wheels.glob("litellm-*.whl")
    (genai_wheel,) = wheels.glob("genai_prices-*.whl")
    theirs = price_sources.read_litellm(litellm_wheel, litellm, as_of)
    names = {provider: list(models) for provider, models in theirs.models.items()}
    return price_sources.read_genai(genai_wheel, genai, as_of, names), theirs


def _write_table(genai: SourceExtract, litellm: SourceExtract, *, dry_run: bool) -> None:
    """Show what the table would gain and lose, then write it with its extracts, unless a person has to decide first."""
    table, undecided = price_table.draft(genai, litellm, load_reviews())
    known, text = json.loads(TABLE.read_text()), render_table(table, genai, litellm)
    _show(f"table {known['version']} → {json.loads(text)['version']}", table_changes(read_table(known), table))
    if undecided:
        _fail([f"{REVIEWS.relative_to(ROOT)} must decide, and nothing was written:", *undecided])
    texts = {GENAI: render_extract(genai), LITELLM: render_extract(litellm), TABLE: text}
    changed = {path: new for path, new in texts.items() if path.read_text() != new}
    if dry_run and changed:
        _fail(["nothing was written (--dry-run)"])
    for path, new in changed.items():
        path.write_text(new)
        typer.echo(f"wrote {path.relative_to(ROOT)}")
    if not changed:
        typer.echo("the table is current")


def _check_extracts() -> None:
    genai, litellm = load_extract(GENAI), load_extract(LITELLM)
    pins = [Pin(one.source, one.version, one.sha256) for one in (genai, litellm)]
    with tempfile.TemporaryDirectory() as folder:
        for pin in pins:
            price_sources.download(pin, Path(folder))
        made = extracts_of(pins[0], pins[1], Path(folder), date.fromisoformat(litellm.as_of))
    for path, extract in zip((GENAI, LITELLM), made, strict=True):
        if path.read_text() != render_extract(extract):
            _fail([f"{path.relative_to(ROOT)} is not what its wheel gives: run update"])


def _pin(name: str, wheel: Path) -> Pin:
    return Pin(name, wheel.name.split("-")[1], hashlib.sha256(wheel.read_bytes()).hexdigest())


def _show(heading: str, lines: list[str]) -> None:
    typer.echo(heading)
    for line in lines or ["no change"]:
        typer.echo(f"  {line}")


def _fail(lines: list[str]) -> NoReturn:
    for line in lines:
        typer.echo(line, err=True)
    raise typer.Exit(1)


if __name__ == "__main__":
    app()
