"""A failover document is refused by chain and member where it is written, and holds chain by chain where it is read."""

import json
import re
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.money import price_book
from core.money.price_list import TABLE
from core.tenant.document import InvalidDocument
from core.tenant.failover.chains import Chains, Hop
from core.tenant.failover.document import ChainDocument, FailoverDocument
from core.tenant.failover.reading import FAILOVER, judge_failover, parse_failover
from core.tenant.failover.triggers import DEFAULT_TRIGGERS, TRIGGERS, Trigger

NOW_MS = 1_795_000_000_000
CLAUDE = {"provider": "anthropic", "model": "claude-sonnet-4-5"}
LLAMA = {"provider": "groq", "model": "llama-3.3-70b-versatile"}
SELF = {"provider": "openai", "model": "gpt-4o"}


def a_chain(model: Any = "gpt-4o", hops: Any = (CLAUDE,), **members: Any) -> dict[str, Any]:
    return {"match": {"model": model}, "hops": list(hops), **members}


def text_of(*chains: Any, **bounds: Any) -> str:
    return json.dumps({"chains": list(chains), **bounds})


def judged(*chains: Any, **bounds: Any) -> list[tuple[str, str]]:
    return [(each.path, each.code) for each in judge_failover(text_of(*chains, **bounds), NOW_MS, TABLE)]


def refusal_of(text: str | bytes) -> InvalidDocument:
    with pytest.raises(InvalidDocument) as caught:
        judge_failover(text, NOW_MS, TABLE)
    return caught.value


# Both readings --------------------------------------------------------------------------------------------


def test_nothing_written_is_no_failover() -> None:
    assert judge_failover("{}", NOW_MS, TABLE) == ()
    assert parse_failover("{}") == FAILOVER.default == Chains()


def test_a_chain_is_compiled_as_it_is_written_under_the_bounds_of_all() -> None:
    text = text_of(
        a_chain(
            hops=[CLAUDE, {"provider": "Google", "model": "gemini-2.5-pro", "reason": "another maker"}],
            id="main", on=["5xx", "refusal"], first_byte_ms=5_000, allows_paid=True, after_uncertain=False,
        ),
        attempts_max=2, deadline_ms=20_000, dollars_max="0.50",
    )  # fmt: skip

    judge_failover(text, NOW_MS, TABLE)
    chain = parse_failover(text).for_model("openai", "gpt-4o", "openai_chat")

    assert chain is not None
    assert chain.hops == (Hop("anthropic", "claude-sonnet-4-5"), Hop("gemini", "gemini-2.5-pro", may_repeat=True))
    assert (chain.id, chain.on, chain.first_byte_ms) == ("main", {"5xx", "refusal"}, 5_000)
    assert (chain.attempts_max, chain.deadline_ms, chain.dollars_max_nanousd) == (2, 20_000, 500_000_000)
    assert (chain.allows_paid, chain.after_uncertain) == (True, False)


def test_a_chain_that_says_no_more_than_it_must_has_the_defaults() -> None:
    chain = parse_failover(text_of(a_chain("o3"), a_chain())).for_model("openai", "gpt-4o", "openai_chat")

    assert chain is not None
    assert (chain.id, chain.on, chain.first_byte_ms) == ("chain-2", DEFAULT_TRIGGERS, None)
    assert (chain.attempts_max, chain.deadline_ms, chain.dollars_max_nanousd) == (3, 300_000, None)
    assert (chain.allows_paid, chain.after_uncertain) == (False, True)


# Triggers -------------------------------------------------------------------------------------------------


def test_every_trigger_is_described_and_may_be_written() -> None:
    assert list(TRIGGERS) == list(get_args(Trigger))
    assert set(TRIGGERS) > DEFAULT_TRIGGERS
    assert judged(a_chain(on=list(TRIGGERS))) == []


def test_a_verdict_on_the_prompt_moves_no_call_on_unasked() -> None:
    assert DEFAULT_TRIGGERS.isdisjoint({"refusal", "empty", "404"})
    assert "400" not in TRIGGERS


# What is refused ------------------------------------------------------------------------------------------

CHAINS: list[tuple[dict[str, Any], str, str]] = [
    ({"id": "Main"}, "id", "matching"),
    ({"id": "a\n"}, "id", "matching"),
    ({"mach": 1}, "mach", "did you mean match"),
    ({"match": {}}, "match.model", "missing"),
    ({"match": {"modl": "a", "model": "a"}}, "match.modl", "did you mean model"),
    ({"match": {"model": ""}}, "match.model", "length"),
    ({"match": {"model": []}}, "match.model", "length"),
    ({"match": {"model": ["a"] * 21}}, "match.model", "length"),
    ({"match": {"model": None}}, "match.model", "null"),
    ({"match": {"model": "?" * 101 + "*", "provider": None}}, "match.provider", "null"),
    ({"match": {"model": ["?" * 101, "?" * 100]}}, "match.model", "200 question marks"),
    ({"match": {"model": "a", "provider": "opnai"}}, "match.provider", "no provider 'opnai'"),
    ({"match": {"model": "a", "provider": ["openai", "x"]}}, "match.provider", "no provider 'x'"),
    ({"match": {"model": "text-embedding-3-small"}}, "match.model", "vectors"),
    ({"match": {"model": ["gpt-4o", "openai/text-embedding-3*"]}}, "match.model", "vectors"),
    ({"match": {"model": "*-embed*"}}, "match.model", "vectors"),
    ({"hops": []}, "hops", "length"),
    ({"hops": [CLAUDE] * 6}, "hops", "length"),
    ({"hops": [CLAUDE, {"provider": "openai"}]}, "hops[1].model", "missing"),
    ({"hops": [{"provider": "openai", "model": "gpt-4.1", "why": "x"}]}, "hops[0].why", "no such member"),
    ({"hops": [{"provider": "openai", "model": "gpt-4.1", "reasn": "x"}]}, "hops[0].reasn", "did you mean reason"),
    ({"hops": [CLAUDE, {"provider": "mistral", "model": "a"}]}, "hops[1].provider", "no provider 'mistral'"),
    ({"hops": [{"provider": "openai", "model": "gpt-4oo"}]}, "hops[0].model", "did you mean gpt-4o?"),
    ({"hops": [{"provider": "openai", "model": "claude-sonnet-4-5"}]}, "hops[0].model", "price table"),
    ({"hops": [{"provider": "openai", "model": "gpt-4*"}]}, "hops[0].model", "price table"),
    ({"hops": [{"provider": "gemini", "model": "gemini-embedding-001"}]}, "hops[0].model", "vectors"),
    ({"hops": [CLAUDE, LLAMA, CLAUDE]}, "hops[2]", "hops[0] again"),
    ({"hops": [CLAUDE, {"provider": "claude", "model": "Claude-Sonnet-4-5"}]}, "hops[1]", "hops[0] again"),
    ({"hops": [SELF]}, "hops[0].reason", "very model"),
    ({"hops": [SELF | {"reason": ""}]}, "hops[0].reason", "matching"),
    ({"hops": [SELF], "match": {"model": ["a*", "OpenAI/GPT-4o"]}}, "hops[0].reason", "very model"),
    ({"hops": [SELF], "match": {"model": "gpt-4o", "provider": ["groq", "OpenAI"]}}, "hops[0].reason", "very model"),
    ({"on": []}, "on", "length"),
    ({"on": ["5xx", "400"]}, "on[1]", "must be one of 403, 404"),
    ({"on": [503]}, "on[0]", "must be one of"),
    ({"on": "5xx"}, "on", "array"),
    ({"first_byte_ms": 99}, "first_byte_ms", ">= 100"),
    ({"first_byte_ms": 600_001}, "first_byte_ms", "<= 600000"),
    ({"allows_paid": "yes"}, "allows_paid", "bool"),
    ({"after_uncertain": None}, "after_uncertain", "null"),
]  # fmt: skip


@pytest.mark.parametrize(("members", "member", "words"), CHAINS, ids=lambda each: str(each)[:50])
def test_a_chain_that_does_not_fit_is_named_by_its_member(members: dict[str, Any], member: str, words: str) -> None:
    error = refusal_of(text_of(a_chain("o3"), a_chain() | members))

    assert error.param == f"chains[1].{member}"
    assert words in str(error)
    assert '(chain "' in str(error)


DOCUMENTS: list[tuple[str | bytes, str, str]] = [
    ("[]", "failover", "object"),
    ("{", "failover", "truncated"),
    (b'{"chains":[{"id":"\xff"}]}', "failover", "UTF-8"),
    ('{"chains":{}}', "chains", "array"),
    ('{"chains":[5]}', "chains[0]", "object"),
    ('{"chain":[]}', "chain", "did you mean chains"),
    ('{"attempts_max":0}', "attempts_max", ">= 1"),
    ('{"attempts_max":6}', "attempts_max", "<= 5"),
    ('{"deadline_ms":999}', "deadline_ms", ">= 1000"),
    ('{"deadline_ms":900001}', "deadline_ms", "<= 900000"),
    ('{"dollars_max":"0"}', "dollars_max", "at least"),
    ('{"dollars_max":"-1"}', "dollars_max", "positive"),
    ('{"dollars_max":0.5}', "dollars_max", "str"),
    ('{"dollars_max":null}', "dollars_max", "null"),
    ('{"chains":[],"chains":[]}', "chains", "twice"),
    ('{"attempts_max":1,"attempts_max":2}', "attempts_max", "twice"),
    (text_of(a_chain()).replace('"hops"', '"id":"a","id":"b","hops"'), "chains[0].id", "twice"),
    (text_of(a_chain()).replace('"model": "gpt-4o"', '"model":"a","model":"gpt-4o"'), "chains[0].match.model", "twice"),
    (text_of(a_chain("o3", [LLAMA, CLAUDE])).replace('"provider": "anthropic"', '"provider":"openai","provider":"anthropic"'), "chains[0].hops[1].provider", "twice"),
    (text_of(a_chain(id="a"), a_chain("o3", id="a")), "chains[1].id", "before it"),
    (text_of(a_chain(id="chain-2"), a_chain("o3")), "chains[1].id", "before it"),
    (text_of(*(a_chain(f"m{number}") for number in range(51))), "chains", "more than 50"),
    (text_of(a_chain()) + " " * 65_536, "failover", "65536 characters"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "param", "words"), DOCUMENTS, ids=lambda each: str(each)[:50])
def test_a_document_that_does_not_fit_is_refused_whole(text: str | bytes, param: str, words: str) -> None:
    error = refusal_of(text)

    assert error.param == param
    assert words in str(error)


def test_what_looks_like_a_loop_and_is_none_may_be_written() -> None:
    judge_failover(text_of(a_chain(hops=[SELF | {"reason": "its other region"}])), NOW_MS, TABLE)
    judge_failover(text_of(a_chain("gpt-4o*", [SELF])), NOW_MS, TABLE)
    judge_failover(text_of(a_chain("gpt-4o", [{"provider": "openai", "model": "gpt-4o-2024-11-20"}])), NOW_MS, TABLE)
    judge_failover(text_of({"match": {"model": "gpt-4o", "provider": "xai"}, "hops": [SELF]}), NOW_MS, TABLE)


def test_fifty_chains_are_as_many_as_there_may_be() -> None:
    text = text_of(*(a_chain(f"m{number}") for number in range(50)))

    judge_failover(text, NOW_MS, TABLE)

    assert len(parse_failover(text).in_order) == 50


# What is odd ----------------------------------------------------------------------------------------------


def patterns_taken(earlier: Any, later: Any) -> bool:
    return ("chains[1]", "unreachable") in judged(
        {"match": earlier, "hops": [CLAUDE]}, {"match": later, "hops": [CLAUDE]}
    )


TAKEN: list[tuple[dict[str, Any], dict[str, Any], bool]] = [
    ({"model": "*"}, {"model": "o3"}, True),
    ({"model": "gpt-*"}, {"model": "gpt-4o*"}, True),
    ({"model": "gpt-4o*"}, {"model": "gpt-*"}, False),
    ({"model": "GPT-*"}, {"model": ["gpt-4o", "openai/gpt-5*"]}, True),
    ({"model": "gpt-*"}, {"model": ["gpt-4o", "o3"]}, False),
    ({"model": "gpt-4o"}, {"model": "gpt-4o-2024-08-06"}, True),
    ({"model": "gpt-4o-2024-08-06"}, {"model": "gpt-4o"}, False),
    ({"model": "gpt-?"}, {"model": "gpt-*"}, False),
    ({"model": "gpt-?"}, {"model": "gpt-5"}, True),
    ({"model": "gpt-?"}, {"model": "gpt-?"}, True),
    ({"model": "openai/*"}, {"model": "gpt-4o"}, False),
    ({"model": "openai/*"}, {"model": "openai/gpt-4o"}, True),
    ({"model": "*"}, {"model": "*/gpt-4o"}, False),
    ({"model": "*", "provider": "openai"}, {"model": "o3"}, False),
    ({"model": "*", "provider": ["openai", "xai"]}, {"model": "o3", "provider": "OpenAI"}, True),
    ({"model": "*", "provider": "xai"}, {"model": "o3", "provider": "openai"}, False),
    ({"model": "o3", "provider": "openai"}, {"model": "o3", "provider": ["openai", "xai"]}, False),
]  # fmt: skip


@pytest.mark.parametrize(("earlier", "later", "is_taken"), TAKEN, ids=str)
def test_a_chain_whose_calls_another_takes_is_told(earlier: Any, later: Any, is_taken: bool) -> None:
    assert patterns_taken(earlier, later) is is_taken


def test_several_chains_may_take_all_of_one_together() -> None:
    warnings = judge_failover(
        text_of(a_chain("gpt-*"), a_chain("o*", id="os"), a_chain(["gpt-5", "o3"])), NOW_MS, TABLE
    )

    (told,) = [each for each in warnings if each.code == "unreachable"]
    assert (told.path, told.message) == ("chains[2]", "is never asked: chain-1, os before it takes all of its calls")


NAMES = st.text("ab-", min_size=1, max_size=5)
PATTERNS = st.text("ab*?-", min_size=1, max_size=5)


@settings(max_examples=500)
@given(earlier=PATTERNS, later=PATTERNS, names=st.lists(NAMES, max_size=8))
def test_a_chain_that_is_told_to_be_never_asked_never_is(earlier: str, later: str, names: list[str]) -> None:
    text = text_of(a_chain(earlier, id="a"), a_chain(later, id="b"))
    if ("chains[1]", "unreachable") not in judged(a_chain(earlier), a_chain(later)):
        return

    found = [parse_failover(text).for_model("openai", name, "openai_chat") for name in names]

    assert "b" not in {chain.id for chain in found if chain is not None}


ODD: list[tuple[dict[str, Any], list[tuple[str, str]]]] = [
    (a_chain("gpt-4o"), []),
    (a_chain("gpt-99"), [("chains[0].match.model", "unknown_model")]),
    (a_chain("gpt-4.1"), [("chains[0].hops[0]", "smaller_window")]),
    (a_chain("gpt-4o-mini"), [("chains[0].hops[0]", "dearer")]),
    (a_chain("gpt-4o", first_byte_ms=500, on=["5xx"]), [("chains[0].first_byte_ms", "unused_timeout")]),
    (a_chain("gpt-4o", first_byte_ms=300_000), [("chains[0].first_byte_ms", "timeout_beyond_deadline")]),
    (a_chain("gemma-4-31b-it"), [("chains[0].hops[0]", "smaller_window"), ("chains[0].hops[0]", "paid_hop")]),
    (a_chain("gemma-4-31b-it", allows_paid=True), [("chains[0].hops[0]", "smaller_window")]),
    (a_chain("gemma-4-31b-it", [{"provider": "gemini", "model": "gemma-4-26b-a4b-it"}]), []),
]  # fmt: skip


@pytest.mark.parametrize(("chain", "expected"), ODD, ids=lambda each: str(each)[:60])
def test_what_is_odd_about_a_chain_is_told(chain: dict[str, Any], expected: list[tuple[str, str]]) -> None:
    assert judged(chain) == expected


def test_one_attempt_is_no_failover() -> None:
    assert judged(a_chain(), attempts_max=1) == [("attempts_max", "never_tried")]
    assert judged(attempts_max=1) == []


def test_every_listed_model_but_those_for_embeddings_may_be_a_hop() -> None:
    for provider in ("openai", "anthropic", "gemini", "groq", "xai"):
        for model in price_book.models(provider):
            text = text_of(a_chain("no-such-model", [{"provider": provider, "model": model}]))
            if "embedding" in model:
                assert "vectors" in str(refusal_of(text))
            else:
                judge_failover(text, NOW_MS, TABLE)


# What is stored -------------------------------------------------------------------------------------------


def test_a_stored_chain_that_cannot_be_used_is_named_and_the_others_hold() -> None:
    chains = parse_failover(
        text_of(
            a_chain(id="newer", when="later"),
            a_chain("o3", id="kept"),
            5,
            a_chain(on=["sunspots"]),
            a_chain("o4", id="kept"),
            a_chain("gone", [{"provider": "openai", "model": "gpt-no-more"}]),
            a_chain(id="x" * 10_000),
        )
    )

    assert [each.chain.id for each in chains.in_order] == ["kept", "chain-6"]
    assert [each.id for each in chains.broken] == ["newer", "chain-3", "chain-4", "kept", "x" * 64]
    assert "chains[0].when" in chains.broken[0].reason
    assert max(len(each.reason) for each in chains.broken) < 500
    assert not any(each.is_whole for each in chains.broken)


@pytest.mark.parametrize(
    "text",
    ["[]", "{", '{"chains":5}', b"\xff", text_of(a_chain(), attempts_max=9), text_of(a_chain(), dollars_max="all")],
)
def test_where_the_bounds_cannot_be_read_no_chain_holds(text: str | bytes) -> None:
    chains = parse_failover(text)

    assert chains.in_order == ()
    assert [(each.id, each.is_whole) for each in chains.broken] == [("failover", True)]


def test_a_newer_version_s_members_say_nothing_to_this_one() -> None:
    chains = parse_failover(text_of(a_chain(), spread="evenly"))

    assert (len(chains.in_order), chains.broken) == (1, ())


VALUES = st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=5), st.just([]), st.just({}))
PARTS = st.fixed_dictionaries(
    {
        "match": st.fixed_dictionaries(
            {"model": st.one_of(PATTERNS, VALUES, st.sampled_from(["gpt-4o*", "*"]))},
            optional={"provider": st.one_of(st.sampled_from(["openai", ["groq"]]), VALUES)},
        ),
        "hops": st.lists(st.sampled_from([CLAUDE, LLAMA, SELF, SELF | {"reason": "x"}, {"provider": 1}]), max_size=3),
    },
    optional={
        "id": st.sampled_from(["a", "b", "A", "chain-2", None, 5]),
        "on": st.one_of(st.lists(st.sampled_from([*TRIGGERS, "400"]), max_size=3), VALUES),
        "first_byte_ms": VALUES,
        "allows_paid": VALUES,
    },
)
TEXTS = st.one_of(
    st.fixed_dictionaries(
        {"chains": st.one_of(st.lists(st.one_of(PARTS, VALUES), max_size=3), VALUES)},
        optional={"attempts_max": VALUES, "deadline_ms": VALUES, "dollars_max": VALUES},
    ).map(json.dumps),
    st.binary(max_size=30),
)


@settings(max_examples=300, deadline=None)
@given(text=TEXTS)
def test_whatever_is_stored_is_read_and_what_was_judged_is_read_whole(text: str | bytes) -> None:
    chains = parse_failover(text)
    chains.for_model("openai", "gpt-4o", "openai_chat")

    try:
        judge_failover(text, NOW_MS, TABLE)
    except InvalidDocument as error:
        assert error.param
    else:
        assert chains.broken == ()
        document = msgspec.json.decode(text, type=FailoverDocument)
        assert len(chains.in_order) == len(document.chains)


def test_every_member_of_a_chain_is_in_this_file_s_documents() -> None:
    assert set(ChainDocument.__struct_fields__) == {
        "match", "hops", "id", "on", "first_byte_ms", "allows_paid", "after_uncertain",
    }  # fmt: skip


# The page about it ----------------------------------------------------------------------------------------

PAGE = (Path(__file__).parents[4] / "docs/failover.md").read_text()


def test_the_page_lists_every_trigger_as_it_is() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (yes|no) \| (.*) \|$", PAGE, re.MULTILINE)

    assert rows == [(word, "yes" if word in DEFAULT_TRIGGERS else "no", what) for word, what in TRIGGERS.items()]


def test_the_page_shows_a_document_that_may_be_written() -> None:
    (shown,) = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)

    judge_failover(shown, NOW_MS, TABLE)

    assert [each.chain.id for each in parse_failover(shown).in_order] == ["gpt-4o", "claude"]


def test_the_page_names_every_warning_there_is() -> None:
    named = set(re.findall(r"^\| `(\w+)` \| [^|]* \|$", PAGE, re.MULTILINE))
    told = {code for chain, _ in ODD for _, code in judged(chain)}

    assert told | {"unreachable", "never_tried"} <= named
