"""Fills Supabase's `model_pricing` from the committed price table; a version loaded again changes nothing.

Run it after deploying a new table, with SUPABASE_URL and SUPABASE_SERVICE_ROLE_KEY in the environment:
`python -m tools.load_prices`. The table's own list of rates names the columns.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import msgspec

TABLE = Path(__file__).resolve().parent.parent / "src" / "core" / "money" / "prices.json"
KEY_COLUMNS = "price_version,provider,model,effective_from,service_tier,above_prompt_tokens"
ROWS_PER_POST = 500

Cell = str | int | None


class Band(msgspec.Struct, frozen=True, array_like=True):
    """The rates above a prompt size, in the order of the table's list of rates."""

    above_prompt_tokens: int
    rates: tuple[int, ...]


class Period(msgspec.Struct, frozen=True):
    starts_at_ms: int
    tiers: dict[str, tuple[Band, ...]]


class Listing(msgspec.Struct, frozen=True):
    names: tuple[str, ...]
    input_tokens_max: int | None
    output_tokens_max: int | None
    periods: tuple[Period, ...]


class PriceTable(msgspec.Struct, frozen=True):
    version: str
    rates: tuple[str, ...]
    models: dict[str, tuple[Listing, ...]]


class LoadRefused(Exception):
    """Supabase did not take the rows; the message says why."""


def rows_of(table: PriceTable) -> Iterator[dict[str, Cell]]:
    """One row per provider, model, period, service tier and prompt size."""
    columns = [_column(rate) for rate in table.rates]
    for provider, listings in table.models.items():
        for listing in listings:
            for model in listing.names:
                for place, band in _bands(listing):
                    yield {
                        "price_version": table.version,
                        "provider": provider,
                        "model": model,
                        "input_tokens_max": listing.input_tokens_max,
                        "output_tokens_max": listing.output_tokens_max,
                        "above_prompt_tokens": band.above_prompt_tokens,
                        **place,
                        **dict(zip(columns, band.rates, strict=True)),
                    }


def load(table: PriceTable, *, supabase_url: str, service_role_key: str) -> int:
    """Insert the rows that are missing; returns how many the table has. Raises `LoadRefused`."""
    rows = list(rows_of(table))
    url = f"{supabase_url.rstrip('/')}/rest/v1/model_pricing"
    headers = {
        "apikey": service_role_key,
        "authorization": f"Bearer {service_role_key}",
        "prefer": "resolution=ignore-duplicates,return=minimal",
    }
    with httpx.Client(headers=headers, timeout=30) as client:
        for start in range(0, len(rows), ROWS_PER_POST):
            chunk = rows[start : start + ROWS_PER_POST]
            answer = client.post(url, params={"on_conflict": KEY_COLUMNS}, json=chunk)
            if not answer.is_success:
                raise LoadRefused(f"{answer.status_code} {answer.text}")
    return len(rows)


def read_table(path: Path = TABLE) -> PriceTable:
    return msgspec.json.decode(path.read_bytes(), type=PriceTable)


def main() -> int:
    url, key = os.environ.get("SUPABASE_URL"), os.environ.get("SUPABASE_SERVICE_ROLE_KEY")
    if not url or not key:
        print("set SUPABASE_URL and SUPABASE_SERVICE_ROLE_KEY", file=sys.stderr)
        return 2
    table = read_table()
    try:
        count = load(table, supabase_url=url, service_role_key=key)
    except (LoadRefused, httpx.HTTPError) as fault:
        print(f"the prices were not loaded: {fault}", file=sys.stderr)
        return 1
    print(f"{count} rates of price table {table.version} are in model_pricing")
    return 0


def _column(rate: str) -> str:
    return f"{rate}_nanousd_per_{'call' if rate.endswith('_search') else 'mtok'}"


def _bands(listing: Listing) -> Iterator[tuple[dict[str, Cell], Band]]:
    """Each band of rates with the columns that say where it applies."""
    for period in listing.periods:
        starts_at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=period.starts_at_ms)
        for tier, bands in period.tiers.items():
            place: dict[str, Cell] = {"effective_from": starts_at.isoformat(), "service_tier": tier}
            for band in bands:
                yield place, band


if __name__ == "__main__":
    sys.exit(main())
