"""Sixty hostile calls on a session of one dollar: the ledger and the provider's bill, side by side."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from local.stack import Stack
from tests.runtime.conftest import Edge
from tests.runtime.hostile_calls import ATTACKS, Attack
from tests.support.scripted_upstream import Received, ScriptedUpstream, Step

pytestmark = pytest.mark.stack

CALLS = 60
CAP_NANOUSD = 1_000_000_000
PROVIDERS = {"OPENAI": "/v1", "ANTHROPIC": "/v1", "GEMINI": "", "GROQ": "/v1", "XAI": "/v1"}


@pytest.fixture(scope="module")
def provider() -> Iterator[ScriptedUpstream]:
    with ScriptedUpstream() as running:
        yield running


@pytest.fixture(scope="module")
def edge(provider: ScriptedUpstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Edge]:
    env = {name: value for each, path in PROVIDERS.items() for name, value in provider.env(each, path).items()}
    with Stack(tmp_path_factory.mktemp("hostile") / "state", env=env, with_database=False) as stack:
        yield Edge(stack, stack.tokens["live"])


class Till:
    """Answers by an attack's reply, and adds up what it bills."""

    def __init__(self, attack: Attack) -> None:
        self._attack = attack
        self.bills_nanousd: list[int] = []

    def answer(self, request: Received) -> tuple[Step, ...]:
        steps, bill_nanousd = self._attack.reply(request)
        self.bills_nanousd.append(bill_nanousd)
        return steps


@pytest.mark.parametrize("name", ATTACKS)
def test_a_hostile_call_spends_no_more_than_the_cap(edge: Edge, provider: ScriptedUpstream, name: str) -> None:
    attack, session = ATTACKS[name], f"hostile-{list(ATTACKS).index(name)}"
    till = Till(attack)
    provider.replies(till.answer)

    def call(_: int) -> httpx.Response | None:
        labels = {"x_agentwatch_session_id": session, "x_agentwatch_budget_usd": "1"}
        if attack.has_own_key:
            labels["authorization"] = f"Bearer {edge.token}:sk-own"
        try:
            return edge.post(attack.path, dict(attack.body), **labels, **attack.headers)
        except httpx.HTTPError:
            return None  # the attack breaks its connection off

    with ThreadPoolExecutor(attack.at_once) as pool:
        statuses = [answer and answer.status_code for answer in pool.map(call, range(CALLS))]
    spent = round(edge.session(session)["spent_usd"] * 1_000_000_000)
    billed, dearest = sum(till.bills_nanousd), max(till.bills_nanousd, default=0)
    print(
        f"\n{name}: {len(till.bills_nanousd)} of {CALLS} sent, billed ${billed / 1e9:.6f}, ledger ${spent / 1e9:.6f},"
        f" over the cap ${max(0, billed - CAP_NANOUSD) / 1e9:.6f}, answers {sorted({str(each) for each in statuses})}"
    )

    assert billed <= CAP_NANOUSD + (dearest if attack.at_once == 1 else 0)
    assert spent >= billed
