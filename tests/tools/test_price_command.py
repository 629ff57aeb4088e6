"""The command that an operator runs when prices change: it shows what changed, writes only what is decided, and says by
its exit whether anything is left to do."""

import json
import shutil
import zipfile
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from tools import build_prices, price_sources

GENAI_DATA = """
from types import SimpleNamespace as N

class Prices:
    def __init__(self, **rates): self.__dict__ |= rates

from decimal import Decimal
rates = Prices(input_mtok=Decimal("1.25"), output_mtok=Decimal(10))
model = N(id="m", match=N(equals="m"), is_match=lambda name: name == "m", context_window=9000, deprecated=None,
          prices=rates, price_variants=None, get_prices=lambda moment: rates)
providers = [N(id="openai", models=[model])]
"""
MODEL = {
    "litellm_provider": "openai",
    "mode": "chat",
    "input_cost_per_token": 1.25e-06,
    "output_cost_per_token": 1e-05,
    "search_context_cost_per_query": {"low": 0.01},
}
EMPTY_TABLE = {"version": "2026-01-01-00000000", "models": {"openai": []}}


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout with sources of one model, and a shelf of wheels in place of the package index."""
    data = tmp_path / "tools" / "price_data"
    data.mkdir(parents=True)
    for name in ("GENAI", "LITELLM", "REVIEWS", "TABLE"):
        monkeypatch.setattr(build_prices, name, data / getattr(build_prices, name).name)
    monkeypatch.setattr(build_prices, "ROOT", tmp_path)
    for source, path in (("genai-prices", build_prices.GENAI), ("litellm", build_prices.LITELLM)):
        head = {"source": source, "version": "0.1", "sha256": "0" * 64, "as_of": "2026-01-01"}
        path.write_text(json.dumps(head | {"models": {"openai": {}}}))
    build_prices.REVIEWS.write_text("")
    build_prices.TABLE.write_text(json.dumps(EMPTY_TABLE))
    monkeypatch.setattr(
        price_sources, "download_latest", lambda name, version, folder: _delivered(tmp_path, name, folder)
    )
    with zipfile.ZipFile(tmp_path / "genai_prices-1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr("genai_prices/__init__.py", "")
        wheel.writestr("genai_prices/data.py", GENAI_DATA)
    released(tmp_path, MODEL)
    return tmp_path


def released(place: Path, model: dict[str, Any]) -> None:
    """litellm's next release says this of the model."""
    with zipfile.ZipFile(place / "litellm-2.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr("litellm/model_prices_and_context_window_backup.json", json.dumps({"m": model}))


def _delivered(place: Path, name: str, folder: Path) -> Path:
    (wheel,) = place.glob(f"{name.replace('-', '_')}-*.whl")
    return Path(shutil.copy(wheel, folder))


def run(*arguments: str) -> Result:
    return CliRunner().invoke(build_prices.app, arguments)


def written(place: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in (place / "tools" / "price_data").iterdir()}


def test_an_update_shows_what_changed_per_source_then_in_the_table_before_it_writes(place: Path) -> None:
    result = run("update", "--as-of", "2026-11-26")

    assert result.exit_code == 0
    lines = result.output.splitlines()
    new = "  new    openai m: input $1.25, output $10"
    assert lines[:5] == ["genai-prices 0.1 → 1.0", new, "litellm 0.1 → 2.0", new, lines[4]]
    assert lines[4].startswith("table 2026-01-01-00000000 → 2026-11-26-")
    assert lines[5:] == [
        new,
        *(f"wrote tools/price_data/{each}" for each in ("genai-prices.json", "litellm.json", "prices.json")),
    ]


def test_an_update_that_brings_nothing_new_writes_nothing_another_day(place: Path) -> None:
    run("update", "--as-of", "2026-11-26")
    before = written(place)

    result = run("update", "--as-of", "2026-11-27")

    assert (result.exit_code, result.output.splitlines()[-1]) == (0, "the table is current")
    assert written(place) == before


def test_an_update_that_a_person_must_decide_names_it_and_writes_nothing(place: Path) -> None:
    run("update", "--as-of", "2026-11-26")
    before = written(place)
    released(place, MODEL | {"output_cost_per_token": 2e-05})

    result = run("update", "--as-of", "2026-11-27")

    assert result.exit_code == 1
    assert "         standard.output: $10 → $20" in result.output
    assert "tools/price_data/review.toml must decide, and nothing was written:" in result.output
    assert (
        "unreviewed: openai m standard.output from 2 prompt tokens on: genai-prices 10000000000, litellm 2"
        in result.output
    )
    assert written(place) == before


def test_what_a_person_decided_is_built_in(place: Path) -> None:
    run("update", "--as-of", "2026-11-26")
    build_prices.REVIEWS.write_text(
        '[[state]]\nprovider = "openai"\nmodels = ["m"]\nrates = { "standard.audio_input" = "40" }\n'
        'source = "the price page"\nwhy = "Neither source has it."\n'
    )

    result = run("build")

    assert result.exit_code == 0
    assert "standard.audio_input, standard.cached_audio_input: $1.25 → $40" in result.output
    assert run("check").exit_code == 0


@pytest.mark.parametrize("command", ["update", "build"])
def test_a_dry_run_writes_nothing_and_says_that_something_is_left_to_do(place: Path, command: str) -> None:
    run("update", "--as-of", "2026-11-26")
    build_prices.TABLE.write_text(json.dumps(EMPTY_TABLE))
    before = written(place)

    result = run(command, "--dry-run")

    assert (result.exit_code, result.output.splitlines()[-1]) == (1, "nothing was written (--dry-run)")
    assert written(place) == before


def test_the_gate_fails_on_a_table_that_was_edited_by_hand(place: Path) -> None:
    run("update", "--as-of", "2026-11-26")
    build_prices.TABLE.write_text(build_prices.TABLE.read_text().replace("1250000000", "1250000001"))

    result = run("check")

    assert (result.exit_code, "is not what its inputs give: run build" in result.output) == (1, True)
