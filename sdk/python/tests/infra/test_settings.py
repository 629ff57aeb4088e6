"""What a client is told, in every spelling that its user may have."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from agentwatch.settings import read_settings

KEY = "aw_test_" + "5ec7e7" * 8


def read(**arguments: Any) -> Any:
    given = {"api_key": KEY, "base_url": "https://edge.example.com"} | arguments
    return read_settings({f"agentwatch_{name}": value for name, value in given.items()}, {})


@pytest.mark.parametrize(
    ("spelling", "meant"),
    [
        ("https://edge.example.com", "https://edge.example.com"),
        ("https://edge.example.com/", "https://edge.example.com"),
        ("https://edge.example.com/v1", "https://edge.example.com"),
        ("https://edge.example.com/v1/", "https://edge.example.com"),
        ("https://edge.example.com/v1/ingest", "https://edge.example.com"),
        (" https://edge.example.com/v1/proxy/openai/ ", "https://edge.example.com"),
        ("http://localhost:8787/v1", "http://localhost:8787"),
        ("https://example.com/agentwatch/v1", "https://example.com/agentwatch"),
        ("https://[::1]:8787/", "https://[::1]:8787"),
    ],
)
def test_every_spelling_of_the_base_url_means_the_same_place(spelling: str, meant: str) -> None:
    assert read(base_url=spelling).base_url == meant


@pytest.mark.parametrize(
    "address",
    [
        "ftp://edge.example.com",
        "edge.example.com",
        "https://",
        "https://u:p@edge.example.com",
        "https://e.example/?a=b",
        "https://e.example:x/",
        "https://e.example:0",
        "https://e.example/a b",
        "https://bücher.example",
    ],
)
def test_what_is_no_base_url_is_refused_by_name(address: str) -> None:
    with pytest.raises(ValueError, match="agentwatch_base_url"):
        read(base_url=address)


@pytest.mark.parametrize(
    ("name", "value", "error"),
    [
        ("api_key", "", ValueError),
        ("api_key", 5, TypeError),
        ("api_key", "two words", ValueError),
        ("api_key", "new\nline", ValueError),
        ("session_id", "a b", ValueError),
        ("session_id", 7, TypeError),
        ("session_budget_usd", "much", ValueError),
        ("session_budget_usd", -1, ValueError),
        ("session_budget_usd", float("nan"), ValueError),
        ("session_budget_usd", True, TypeError),
        ("enforcement_mode", "yes", TypeError),
        ("holds", 1, TypeError),
        ("primary_provider", "openai", ValueError),
        ("fallback_provider", "direct", ValueError),
        ("timeout_seconds", 0, ValueError),
        ("timeout_seconds", float("inf"), ValueError),
        ("timeout_seconds", "2", TypeError),
        ("project", "", ValueError),
        ("project", "line\r\nx-injected: 1", ValueError),
        ("team", "x" * 129, ValueError),
        ("agent", 3, TypeError),
    ],
)
def test_a_wrong_value_names_its_argument(name: str, value: object, error: type[Exception]) -> None:
    with pytest.raises(error, match=f"agentwatch_{name}"):
        read(**{name: value})


def test_a_missing_key_or_address_says_where_it_may_come_from() -> None:
    with pytest.raises(ValueError, match="AGENTWATCH_API_KEY"):
        read_settings({}, {})
    with pytest.raises(ValueError, match="AGENTWATCH_BASE_URL"):
        read_settings({"agentwatch_api_key": KEY}, {})


def test_the_environment_stands_in_for_what_is_not_given() -> None:
    settings = read_settings({}, {"AGENTWATCH_API_KEY": KEY, "AGENTWATCH_BASE_URL": "https://edge.example.com/v1"})

    assert (settings.api_key, settings.base_url) == (KEY, "https://edge.example.com")


@pytest.mark.parametrize("budget", [0.5, "0.5", Decimal("0.5"), "5e-1"])
def test_a_budget_is_dollars_however_they_are_written(budget: object) -> None:
    assert read(session_budget_usd=budget).session_budget_usd == "0.5"


def test_an_unknown_argument_is_named_with_its_nearest() -> None:
    with pytest.raises(TypeError, match="'agentwatch_enforcment_mode'; did you mean 'agentwatch_enforcement_mode'"):
        read(enforcment_mode=True)
    with pytest.raises(TypeError, match="'api_key'"):
        read_settings({"api_key": KEY}, {})


def test_holds_are_enforcement_too() -> None:
    assert read(holds=True).enforcement_mode


def test_clients_without_a_session_get_one_each() -> None:
    assert read().session_id != read().session_id


def test_the_key_is_in_no_repr_of_settings() -> None:
    assert KEY not in repr(read())
