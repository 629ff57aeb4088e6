"""Which chain a call has: the first that is for its model, by whichever of its names; embeddings have none."""

import json
from typing import Any

import pytest

from core.tenant.failover.chains import DIALECTS_WITHOUT, Chains
from core.tenant.failover.reading import parse_failover
from core.wire.dialects import DIALECTS

CLAUDE = {"provider": "anthropic", "model": "claude-sonnet-4-5"}
GPT = {"provider": "openai", "model": "gpt-4o"}


def chains_of(*matches: Any, hops: Any = (CLAUDE,)) -> Chains:
    chains = [
        {"match": match if isinstance(match, dict) else {"model": match}, "hops": list(hops)} for match in matches
    ]
    found = parse_failover(json.dumps({"chains": chains}))
    assert found.broken == ()
    return found


MET: list[tuple[Any, str, str, bool]] = [
    ("gpt-4o", "openai", "gpt-4o", True),
    ("gpt-4o", "openai", "GPT-4o", True),
    ("gpt-4o", "openai", "openai/gpt-4o", True),
    ("gpt-4o", "openai", "gpt-4o-2024-08-06", True),
    ("gpt-4o", "openai", "gpt-4o-mini", False),
    ("gpt-4o*", "openai", "gpt-4o-mini", True),
    ("GPT-4?", "openai", "gpt-4o", True),
    (["o3", "gpt-5*"], "openai", "gpt-5-mini", True),
    ("openai/*", "openai", "gpt-4o", True),
    ("openai/*", "groq", "gpt-4o", False),
    ("openai/gpt-oss-120b", "groq", "openai/gpt-oss-120b", False),
    ("groq/openai/gpt-oss-120b", "groq", "openai/gpt-oss-120b", True),
    ("gpt-oss*", "groq", "openai/gpt-oss-120b", False),
    ("gemini-2.5-pro", "gemini", "models/gemini-2.5-pro", True),
    ("gemini-2.5-pro", "gemini", "google/gemini-2.5-pro", True),
    ({"model": "*", "provider": "Google"}, "gemini", "gemini-2.5-pro", True),
    ({"model": "*", "provider": ["openai", "xai"]}, "gemini", "gemini-2.5-pro", False),
    ({"model": "*", "provider": ["openai", "xai"]}, "xai", "grok-4", True),
    ("*", "openai", "", True),
    ("*", "openai", "x" * 1_000_000, True),
    ("*", "openai", "\ud83d", True),
]  # fmt: skip


@pytest.mark.parametrize(("match", "provider", "model", "is_met"), MET, ids=lambda each: str(each)[:40])
def test_a_model_has_the_chain_that_is_for_one_of_its_names(
    match: Any, provider: str, model: str, is_met: bool
) -> None:
    assert (chains_of(match).for_model(provider, model, "openai_chat") is not None) is is_met


def test_of_several_chains_the_first_in_the_document_counts() -> None:
    chains = chains_of("o3", "gpt-4o*", "*")

    found = [chains.for_model("openai", model, "openai_chat") for model in ("o3", "gpt-4o", "gpt-5")]

    assert [chain and chain.id for chain in found] == ["chain-1", "chain-2", "chain-3"]


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_call_for_what_means_nothing_elsewhere_has_no_chain(dialect: str) -> None:
    chain = chains_of("*").for_model("openai", "text-embedding-3-small", dialect)

    assert (chain is None) is ("embed" in dialect or "compaction" in dialect)


def test_the_dialects_without_a_chain_are_dialects() -> None:
    assert set(DIALECTS) > DIALECTS_WITHOUT


def test_a_call_goes_to_itself_only_where_the_tenant_has_said_what_for() -> None:
    plain = chains_of("gpt-4o*", hops=[GPT, CLAUDE]).for_model("openai", "gpt-4o", "openai_chat")
    told = chains_of("gpt-4o", hops=[GPT | {"reason": "its other region"}]).for_model("openai", "gpt-4o", "openai_chat")
    assert plain is not None and told is not None

    assert [hop.model for hop in plain.hops_from("openai", "GPT-4o")] == ["claude-sonnet-4-5"]
    assert [hop.model for hop in plain.hops_from("openai", "gpt-4o-mini")] == ["gpt-4o", "claude-sonnet-4-5"]
    assert [hop.model for hop in told.hops_from("openai", "gpt-4o")] == ["gpt-4o"]


def test_without_chains_no_name_is_looked_at() -> None:
    nothing: Any = object()

    assert Chains().for_model(nothing, nothing, nothing) is None
