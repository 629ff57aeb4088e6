"""Builds `src/core/prices.json` from two independent price sources, and checks that they still
agree.

`fetch` downloads the two wheels and rewrites the committed extracts; `build` makes the table from
the extracts; `check` is the gate: it fails when the sources differ on anything that is not
reviewed, when a review is stale, or when the table is not exactly what the extracts and reviews
give.
"""

from __future__ import annotations

import hashlib
import json
import sys
import tempfile
import tomllib
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated

import msgspec
import typer

ROOT = Path(__file__).resolve().parent.parent
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from tools import price_review, price_sources, price_table  # noqa: E402
from tools.price_sources import Pin, SourceExtract  # noqa: E402

DATA = ROOT / "tools" / "price_data"
TABLE = ROOT / "src" / "core" / "prices.json"
GENAI = DATA / "genai-prices.json"
LITELLM = DATA / "litellm.json"
REVIEWS = DATA / "review.toml"

app = typer.Typer(help=__doc__, no_args_is_help=True, add_completion=False)


def load_extract(path: Path) -> SourceExtract:
    """A committed extract, which carries the pin of the wheel it was made from."""
    return msgspec.json.decode(path.read_bytes(), type=SourceExtract)


def load_reviews() -> price_review.Reviews:
    return msgspec.convert(tomllib.loads(REVIEWS.read_text()), price_review.Reviews)


def render_table() -> str:
    """The table's text as the committed inputs give it. Raises `UnreviewedPrices`."""
    genai, litellm = load_extract(GENAI), load_extract(LITELLM)
    return price_table.render(price_table.build(genai, litellm, load_reviews()), genai, litellm)


def render_extract(extract: SourceExtract) -> str:
    """An extract as JSON with one model to a line, so that a change of price is a change of one
    line."""
    head = {key: getattr(extract, key) for key in ("source", "version", "sha256", "as_of")}
    lines = [f" {json.dumps(key)}: {json.dumps(value)}" for key, value in head.items()]
    blocks = []
    for provider, models in sorted(extract.models.items()):
        rows = [
            f"   {json.dumps(name)}: {json.dumps(msgspec.to_builtins(model), sort_keys=True)}"
            for name, model in sorted(models.items())
        ]
        blocks.append(f"  {json.dumps(provider)}: {{\n" + ",\n".join(rows) + "\n  }")
    lines.append(' "models": {\n' + ",\n".join(blocks) + "\n }")
    return "{\n" + ",\n".join(lines) + "\n}\n"


def extracts_of(genai: Pin, litellm: Pin, wheels: Path, as_of: date) -> tuple[str, str]:
    """Both extracts made anew from the wheels in a folder."""
    (litellm_wheel,) = wheels.glob("litellm-*.whl")
    (genai_wheel,) = wheels.glob("genai_prices-*.whl")
    theirs = price_sources.read_litellm(litellm_wheel, litellm, as_of)
    ours = price_sources.read_genai(
        genai_wheel, genai, as_of, {name: list(models) for name, models in theirs.models.items()}
    )
    return render_extract(ours), render_extract(theirs)


@app.command()
def fetch(
    genai_version: Annotated[
        str | None, typer.Option(help="genai-prices version; newest if absent.")
    ] = None,
    litellm_version: Annotated[
        str | None, typer.Option(help="litellm version; newest if absent.")
    ] = None,
    as_of: Annotated[
        str | None, typer.Option(help="The day whose prices are current; today if absent.")
    ] = None,
) -> None:
    """Download both wheels, pin them by hash, and rewrite the extracts."""
    day = date.fromisoformat(as_of) if as_of else datetime.now(UTC).date()
    with tempfile.TemporaryDirectory() as folder:
        pins = [
            _pin(name, price_sources.download_latest(name, version, Path(folder)))
            for name, version in (("genai-prices", genai_version), ("litellm", litellm_version))
        ]
        ours, theirs = extracts_of(pins[0], pins[1], Path(folder), day)
    GENAI.write_text(ours)
    LITELLM.write_text(theirs)
    typer.echo(f"{pins[0].name} {pins[0].version}, {pins[1].name} {pins[1].version} as of {day}")


@app.command()
def build() -> None:
    """Make the table from the committed extracts and reviews."""
    text = _render_or_exit()
    TABLE.write_text(text)
    typer.echo(f"{TABLE.relative_to(ROOT)} {json.loads(text)['version']}, {len(text):,} bytes")


@app.command()
def check(
    from_wheels: Annotated[
        bool,
        typer.Option("--from-wheels", help="Also make the extracts anew from the pinned wheels."),
    ] = False,
) -> None:
    """Fail on any unreviewed difference, stale review, or table that is not up to date."""
    text = _render_or_exit()
    if TABLE.read_text() != text:
        _fail([f"{TABLE.relative_to(ROOT)} is not what its inputs give: run build"])
    if from_wheels:
        _check_extracts()
    typer.echo(f"prices {json.loads(text)['version']} are current and reviewed")


def _check_extracts() -> None:
    genai, litellm = load_extract(GENAI), load_extract(LITELLM)
    pins = [Pin(one.source, one.version, one.sha256) for one in (genai, litellm)]
    with tempfile.TemporaryDirectory() as folder:
        for pin in pins:
            price_sources.download(pin, Path(folder))
        ours, theirs = extracts_of(
            pins[0], pins[1], Path(folder), date.fromisoformat(litellm.as_of)
        )
    for path, text in ((GENAI, ours), (LITELLM, theirs)):
        if path.read_text() != text:
            _fail([f"{path.relative_to(ROOT)} is not what its wheel gives: run fetch"])


def _pin(name: str, wheel: Path) -> Pin:
    return Pin(name, wheel.name.split("-")[1], hashlib.sha256(wheel.read_bytes()).hexdigest())


def _render_or_exit() -> str:
    try:
        return render_table()
    except price_review.UnreviewedPrices as error:
        _fail(error.problems)
        raise


def _fail(problems: list[str]) -> None:
    for problem in problems:
        typer.echo(problem, err=True)
    raise typer.Exit(1)


if __name__ == "__main__":
    app()
