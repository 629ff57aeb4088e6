"""Prices as a document: nonsense is refused naming its member, and what is odd is told."""

import json
import re
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.money import price_book
from core.money.amount import format_usd
from core.money.price_list import TABLE, PriceList
from core.money.price_terms import FREE, PriceTerms, StatedModel
from core.tenant.document import InvalidDocument, Writing
from core.tenant.prices.document import FREE_MODELS_MAX, MODELS_MAX, PricesDocument
from core.tenant.prices.reading import PRICES, judge_prices, parse_prices

NOW_MS = 1_795_478_400_000
MINI = "openai/gpt-4o-mini"
OURS = {"input_usd_per_mtok": "1", "output_usd_per_mtok": "2"}


def text_of(**members: Any) -> str:
    return json.dumps(members)


def of_model(model: str = MINI, **prices: Any) -> str:
    return text_of(models={model: prices})


def fault_in(text: str, below: PriceList = TABLE) -> str | None:
    """The member for which it is refused."""
    with pytest.raises(InvalidDocument) as refused:
        judge_prices(text, below, NOW_MS)
    assert str(refused.value).startswith(str(refused.value.param))
    return refused.value.param


def warnings_of(text: str) -> list[tuple[str, str]]:
    return [(each.path, each.code) for each in judge_prices(text, TABLE, NOW_MS)]


def test_a_document_says_what_it_says() -> None:
    terms = parse_prices(
        text_of(
            models={"openai/GPT-X": OURS | {"input_tokens_max": 9}},
            aliases={"groq/ours": "groq/llama-3.3-70b-versatile"},
            discount_percent={"openai": "12.5", "xai": "0.0001"},
            free_models=["groq/openai/gpt-oss-20b"],
        )
    )

    rates = {"input_nanousd_per_mtok": 10**9, "output_nanousd_per_mtok": 2 * 10**9}
    assert terms.models == {"openai": {"gpt-x": StatedModel(rates, 9)}, "groq": {"openai/gpt-oss-20b": FREE}}
    assert terms.aliases == {"groq": {"ours": "llama-3.3-70b-versatile"}}
    assert terms.discounts == {"openai": 125_000, "xai": 1}


@pytest.mark.parametrize("text", ["{}", '{"models":{},"aliases":{},"discount_percent":{},"free_models":[]}'])
def test_a_document_that_says_nothing_is_none(text: str) -> None:
    assert judge_prices(text, TABLE, NOW_MS) == ()
    assert parse_prices(text).is_nothing
    assert PRICES.default.is_nothing


@pytest.mark.parametrize(
    "rate", ["-1", "+1", "1e3", "NaN", "Infinity", "", " 1", "1 ", "1\n", "1.", ".5", "1,5", "1_0", "٣", "1.0000000001",
             "9000001", "99999999", "1" * 50, 1, 1.5, None, True]
)  # fmt: skip
def test_a_rate_is_a_plain_decimal_of_dollars(rate: object) -> None:
    assert fault_in(of_model(output_usd_per_mtok=rate)) == f'models["{MINI}"].output_usd_per_mtok'


@pytest.mark.parametrize(
    ("rate", "nanousd"), [("0", 0), ("0.000000001", 1), ("9000000", 9 * 10**15), ("007.5", 75 * 10**8)]
)
def test_a_rate_is_read_to_the_nano_dollar(rate: str, nanousd: int) -> None:
    (model,) = parse_prices(of_model(output_usd_per_mtok=rate)).models["openai"].values()

    assert model.rates == {"output_nanousd_per_mtok": nanousd}


BAD = [
    (text_of(model={}), "model"),
    (text_of(models=[]), "models"),
    (text_of(models=None), "models"),
    (text_of(free_models={}), "free_models"),
    (of_model(input_usd="1"), f'models["{MINI}"].input_usd'),
    (of_model(input_tokens_max=0), f'models["{MINI}"].input_tokens_max'),
    (of_model(output_tokens_max="5"), f'models["{MINI}"].output_tokens_max'),
    (text_of(models={MINI: "1"}), f'models["{MINI}"]'),
    (of_model("gpt-4o-mini"), 'models["gpt-4o-mini"]'),
    (of_model("google/gemini-2.5-pro"), 'models["google/gemini-2.5-pro"]'),
    (of_model("openai/"), 'models["openai/"]'),
    (of_model("gemini/models/"), 'models["gemini/models/"]'),
    (of_model("openai/a b"), 'models["openai/a b"]'),
    (of_model("openai/gpt-x\n"), 'models["openai/gpt-x\\n"]'),
    (of_model("openai/" + "x" * 129, **OURS), f'models["openai/{"x" * 121}"]'),
    (of_model("openai/ft:gpt-4o:acme::1"), 'models["openai/ft:gpt-4o:acme::1"]'),
    (of_model("openai/unheard-of"), 'models["openai/unheard-of"].input_usd_per_mtok'),
    (of_model("openai/unheard-of", input_usd_per_mtok="1"), 'models["openai/unheard-of"].output_usd_per_mtok'),
    (of_model(cached_input_usd_per_mtok="2", input_usd_per_mtok="1"), f'models["{MINI}"].cached_input_usd_per_mtok'),
    (text_of(models={MINI: {}, "openai/GPT-4o-mini": {}}), 'models["openai/GPT-4o-mini"]'),
    (text_of(models={MINI: {}}, free_models=[MINI]), "free_models[0]"),
    (text_of(free_models=[MINI, MINI]), "free_models[1]"),
    (text_of(free_models=[MINI], aliases={MINI: "openai/gpt-4o"}), f'aliases["{MINI}"]'),
    (text_of(aliases={"openai/ours": "openai/unheard-of"}), 'aliases["openai/ours"]'),
    (text_of(aliases={"openai/ours": "groq/llama-3.3-70b-versatile"}), 'aliases["openai/ours"]'),
    (text_of(aliases={"openai/ours": "openai/ours"}), 'aliases["openai/ours"]'),
    (text_of(aliases={"openai/a": "openai/b", "openai/b": "openai/a"}), 'aliases["openai/a"]'),
    (text_of(aliases={"openai/a": "openai/b-2026-01-01", "openai/b": MINI}), 'aliases["openai/a"]'),
    (text_of(aliases={"openai/ours": "gpt-4o"}), 'aliases["openai/ours"]'),
    (text_of(aliases={"openai/ours": 5}), 'aliases["openai/ours"]'),
    (text_of(discount_percent={"openai": "100"}), "discount_percent.openai"),
    (text_of(discount_percent={"openai": "-1"}), "discount_percent.openai"),
    (text_of(discount_percent={"openai": "12.50000"}), "discount_percent.openai"),
    (text_of(discount_percent={"openai": "5\n"}), "discount_percent.openai"),
    (text_of(discount_percent={"openai": 5}), "discount_percent.openai"),
    (text_of(discount_percent={"OpenAI": "5"}), "discount_percent.OpenAI"),
    (text_of(models={f"openai/m{n}": OURS for n in range(MODELS_MAX + 1)}), "models"),
    (text_of(free_models=[f"openai/m{n}" for n in range(FREE_MODELS_MAX + 1)]), "free_models"),
    ('{"models":{},"models":{}}', "models"),
    (f'{{"models":{{"{MINI}":{{}},"{MINI}":{{}}}}}}', f'models["{MINI}"]'),
    (f'{{"models":{{"{MINI}":{{"output_usd_per_mtok":"1","output_usd_per_mtok":"2"}}}}}}',
     f'models["{MINI}"].output_usd_per_mtok'),
    ("", "prices"),
    ("null", "prices"),
    ("[]", "prices"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "param"), BAD, ids=[text[:60] for text, _ in BAD])
def test_nonsense_is_refused_naming_its_member(text: str, param: str) -> None:
    assert fault_in(text) == param


def test_whoever_misspells_a_provider_is_told_which_was_meant() -> None:
    with pytest.raises(InvalidDocument, match="did you mean gemini"):
        parse_prices(text_of(discount_percent={"google": "5"}))


def test_what_the_platform_states_is_there_to_be_used() -> None:
    text = text_of(
        models={"openai/theirs": {"output_usd_per_mtok": "1"}}, aliases={"openai/mine": "openai/theirs-2026-01-01"}
    )
    below = PriceList(platform=parse_prices(of_model("openai/theirs", **OURS)))
    without_alias = of_model("openai/theirs", output_usd_per_mtok="1")

    assert judge_prices(text, below, NOW_MS) == ()
    assert fault_in(without_alias) == 'models["openai/theirs"].input_usd_per_mtok'
    assert PRICES.judge(without_alias, Writing(False, NOW_MS, below)) == ()


def test_a_stored_document_is_read_though_the_table_has_lost_its_models() -> None:
    text = text_of(aliases={"openai/ours": "openai/lost"}, models={"openai/gone": {"output_usd_per_mtok": "1"}})

    prices = PriceList(tenant=PRICES.parse(text))

    for model in ("ours", "gone"):
        assert isinstance(prices.find("openai", model, at_ms=NOW_MS), price_book.Unpriced)


ODD = [
    (of_model("openai/gpt-9", **OURS), [('models["openai/gpt-9"]', "unknown_model")]),
    (text_of(free_models=["openai/gpt-9"]), [('free_models["openai/gpt-9"]', "unknown_model")]),
    (of_model(output_usd_per_mtok="6"), [(f'models["{MINI}"]', "far_from_listed")]),
    (of_model(output_usd_per_mtok="0.06"), [(f'models["{MINI}"]', "far_from_listed")]),
    (of_model(output_usd_per_mtok="0"), [(f'models["{MINI}"]', "far_from_listed")]),
    (of_model(output_usd_per_mtok="5.99"), []),
    (of_model(output_usd_per_mtok="0.0601"), []),
    (text_of(discount_percent={"openai": "50"}), []),
    (text_of(discount_percent={"openai": "50.0001"}), [("discount_percent.openai", "large_discount")]),
    (text_of(aliases={MINI: "openai/gpt-4o"}), [(f'aliases["{MINI}"]', "listed_alias")]),
    (text_of(discount_percent={"xai": "5"}), [("", "own_bill")]),
    (text_of(free_models=[MINI]), []),
]


@pytest.mark.parametrize(("text", "warnings"), ODD, ids=[text[:60] for text, _ in ODD])
def test_what_is_odd_is_told(text: str, warnings: list[tuple[str, str]]) -> None:
    assert warnings_of(text) == warnings


NAMES = st.sampled_from([f"openai/{name}" for name in price_book.models("openai")])
RATE = st.integers(0, 10**12).map(format_usd)
DOCUMENTS = st.builds(
    lambda models, percent: PricesDocument(
        models=models,
        discount_percent={} if percent is None else {"openai": f"{percent // 10_000}.{percent % 10_000:04}"},
    ),
    st.dictionaries(
        NAMES, st.fixed_dictionaries({}, optional={"output_usd_per_mtok": RATE, "web_search_usd_per_call": RATE})
    ).map(lambda models: msgspec.convert({"models": models}, PricesDocument).models),
    st.none() | st.integers(0, 999_999),
)


@given(DOCUMENTS)
def test_writing_what_was_read_changes_nothing(document: PricesDocument) -> None:
    text = msgspec.json.encode(document).decode()

    again = msgspec.json.encode(msgspec.json.decode(text, type=PricesDocument)).decode()

    assert again == text
    assert _said(parse_prices(again)) == _said(parse_prices(text))
    judge_prices(text, TABLE, NOW_MS)


def _said(terms: PriceTerms) -> tuple[object, ...]:
    return terms.models, terms.aliases, terms.discounts


def test_the_page_s_example_can_be_written() -> None:
    page = (Path(__file__).parents[3] / "docs/prices.md").read_text()
    (text,) = re.findall(r"```json\n(.*?)```", page, re.DOTALL)

    assert warnings_of(text) == [('models["openai/our-own-model"]', "unknown_model")]


def test_every_rate_has_a_member_and_every_member_is_read() -> None:
    rates = {name.replace("_nanousd_", "_usd_") for name in price_book.Rates.__struct_fields__}

    (model,) = parse_prices(of_model("openai/x", **dict.fromkeys(rates, "1"))).models["openai"].values()

    assert set(model.rates) == set(price_book.Rates.__struct_fields__)
