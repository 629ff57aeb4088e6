"""The prices in the database are those that calls are priced with."""

from datetime import UTC, datetime

import msgspec
import psycopg
import pytest

from core.money import price_book
from core.money.price_book import Price, Rates
from local.database import signed_token
from tests.database.conftest import SECRET
from tests.database.rest_services import RestServices
from tools.load_prices import LoadRefused, load, read_table

pytestmark = pytest.mark.stack

RATES = Rates.__struct_fields__


def load_into(services: RestServices) -> int:
    return load(read_table(), supabase_url=services.url, service_role_key=services.service_role_jwt)


def test_every_rate_of_the_table_is_in_the_database(services: RestServices, sql: psycopg.Connection) -> None:
    load_into(services)

    rows = sql.execute(
        "select provider, model, effective_from, service_tier, above_prompt_tokens, "
        + ", ".join(RATES)
        + f" from model_pricing where price_version = '{price_book.VERSION}'"
    ).fetchall()
    for provider, model, effective_from, tier, above_prompt_tokens, *rates in rows:
        at_ms = int((effective_from - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds()) * 1000
        price = price_book.find(provider, model, at_ms=at_ms)
        assert isinstance(price, Price)
        listed = {band.above_prompt_tokens: band.rates for band in price.tiers[tier]}
        assert msgspec.structs.astuple(listed[above_prompt_tokens]) == tuple(rates)
    priced = {(provider, model) for provider, model, *_ in rows}
    assert priced == {(p, m) for p in ("openai", "anthropic", "gemini", "groq", "xai") for m in price_book.models(p)}


def test_loading_a_version_again_changes_nothing(services: RestServices, sql: psycopg.Connection) -> None:
    first, again = load_into(services), load_into(services)

    assert sql.execute("select count(*) from model_pricing").fetchone() == (first,) == (again,)


def test_a_key_without_the_right_is_refused_in_words(services: RestServices) -> None:
    with pytest.raises(LoadRefused, match="permission denied"):
        load(
            read_table(),
            supabase_url=services.url,
            service_role_key=signed_token("authenticated", SECRET, tenant="acme"),
        )
