"""The committed files as text: a table with one tier to a line, an extract with one model to a line, so that a change
of price is a change of one line."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from typing import Any

import msgspec

from tools.price_siblings import Listing
from tools.price_sources import RATES, SourceExtract


def render_table(table: dict[str, dict[str, Listing]], genai: SourceExtract, litellm: SourceExtract) -> str:
    """The table as JSON, one tier to a line, names that cost the same together; its version
    names its contents."""
    models = {provider: _grouped(listings) for provider, listings in table.items()}
    digest = hashlib.sha256(json.dumps(models, sort_keys=True).encode()).hexdigest()
    head = {
        "version": f"{litellm.as_of}-{digest[:8]}",
        "sources": [{"name": one.source, "version": one.version, "sha256": one.sha256} for one in (genai, litellm)],
        "rates": RATES,
    }
    lines = [f" {json.dumps(key)}: {json.dumps(value)}" for key, value in head.items()]
    blocks = [
        f'  "{provider}": [\n' + ",\n".join(_block(entry) for entry in entries) + "\n  ]"
        for provider, entries in models.items()
    ]
    lines.append(' "models": {\n' + ",\n".join(blocks) + "\n }")
    return "{\n" + ",\n".join(lines) + "\n}\n"


def read_table(document: dict[str, Any]) -> dict[str, dict[str, Listing]]:
    """The models of a table as it was rendered."""
    return {
        provider: {name: _listing(entry) for entry in entries for name in entry["names"]}
        for provider, entries in document["models"].items()
    }


def _listing(entry: dict[str, Any]) -> Listing:
    periods = tuple(
        (
            datetime.fromtimestamp(period["starts_at_ms"] // 1000, UTC).date().isoformat(),
            {tier: {above: tuple(row) for above, row in rows} for tier, rows in period["tiers"].items()},
        )
        for period in entry["periods"]
    )
    return Listing(entry["is_current"], entry["input_tokens_max"], entry["output_tokens_max"], periods)


def _grouped(listings: dict[str, Listing]) -> list[dict[str, Any]]:
    groups: dict[str, dict[str, Any]] = {}
    for name, listing in listings.items():
        entry = {
            "is_current": listing.is_current,
            "input_tokens_max": listing.input_tokens_max,
            "output_tokens_max": listing.output_tokens_max,
            "periods": [
                {"starts_at_ms": _start_ms(index, day), "tiers": _rows(tiers)}
                for index, (day, tiers) in enumerate(listing.periods)
            ],
        }
        group = groups.setdefault(json.dumps(entry), {"names": [], **entry})
        group["names"].append(name)
    return list(groups.values())


def _start_ms(index: int, day: str) -> int:
    """The first period also prices what came before it: the past is not kept."""
    return int(datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp()) * 1000 if index else 0


def _rows(tiers: dict[str, dict[int, tuple[int, ...]]]) -> dict[str, list[list[Any]]]:
    return {tier: [[above, list(row)] for above, row in rows.items()] for tier, rows in tiers.items()}


def _block(entry: dict[str, Any]) -> str:
    head = {key: entry[key] for key in ("names", "is_current", "input_tokens_max", "output_tokens_max")}
    periods = [
        f'    {{"starts_at_ms": {period["starts_at_ms"]}, "tiers": {{\n'
        + ",\n".join(f'     "{tier}": {json.dumps(rows)}' for tier, rows in period["tiers"].items())
        + "}}"
        for period in entry["periods"]
    ]
    return f'   {json.dumps(head)[:-1]}, "periods": [\n' + ",\n".join(periods) + "]}"


def render_extract(extract: SourceExtract) -> str:
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
