"""The main job, end to end: an agent in a loop, written with the official OpenAI SDK, is stopped by its budget.

Nothing here is taken on trust: what AgentWatch says was spent must equal what the provider billed and what the
database recorded, to the nano-dollar, and stay within the budget; any difference fails the demo.
"""

import json
import time
from typing import Any
from urllib.request import Request, urlopen

import openai
import psycopg
from rich.console import Console
from rich.table import Table

from local.processes import StackError
from local.stack import Stack

SESSION_ID = "demo-agent"
BUDGET_USD = "0.005"
MODEL = "gpt-4o-mini"
ITERATIONS_MAX = 500
RECORDED_TIMEOUT_S = 60.0


def run_demo(stack: Stack, console: Console) -> None:
    """Run the loop, then compare the four accounts of it. Raises `StackError` if they differ."""
    console.print(f"edge Worker at {stack.edge_url}; session {SESSION_ID!r} may spend ${BUDGET_USD}\n")
    answered, refusal = _agent_loop(stack, console)
    check = _get(f"{stack.edge_url}/v1/budget-check?session_id={SESSION_ID}", stack.tokens["live"])
    billed = _get(f"{stack.mock_url}/_mock/journal/summary", "")["totals"]["billed_nanousd"]
    rows, recorded, refused = _recorded(stack, answered + 1)
    spent = round(check["spent_usd"] * 1e9)
    table = Table(title="Who says what")
    table.add_column("")
    table.add_column("calls", justify="right")
    table.add_column("nano-dollars", justify="right")
    table.add_row("budget", "", str(round(float(BUDGET_USD) * 1e9)))
    table.add_row("AgentWatch's ledger: spent", "", str(spent))
    table.add_row("AgentWatch's ledger: held", "", str(round(check["held_usd"] * 1e9)))
    table.add_row("provider's journal: billed", str(answered), str(billed))
    table.add_row("PostgreSQL: recorded", f"{rows - refused} + {refused} refused", str(recorded))
    console.print(table)
    console.print(f"refused with: {refusal}")
    _require(spent == billed == recorded, "the ledger, the provider and the database disagree")
    _require(spent <= round(float(BUDGET_USD) * 1e9), "more was spent than the budget allowed")
    _require(check["held_usd"] == 0, "money is still held")
    _require(rows == answered + 1 and refused == 1, "not every call is exactly one row")
    console.print("[green]The budget held, and every call is a row.[/green]")


def _agent_loop(stack: Stack, console: Console) -> tuple[int, str]:
    """Call until refused; returns how many calls were answered and the refusal's words."""
    client = openai.OpenAI(
        api_key=stack.tokens["live"],
        base_url=f"{stack.edge_url}/v1/proxy/openai/v1",
        default_headers={
            "x-agentwatch-session-id": SESSION_ID,
            "x-agentwatch-budget-usd": BUDGET_USD,
        },
    )
    messages: list[Any] = [{"role": "user", "content": "Plan a trip around the world, step by step."}]
    for iteration in range(1, ITERATIONS_MAX + 1):
        try:
            answer = client.chat.completions.with_raw_response.create(
                model=MODEL, messages=messages, max_tokens=200,
                extra_headers={"x-agentwatch-iteration": str(iteration), "x-mock": "output_tokens=150"},
            )  # fmt: skip
        except openai.APIStatusError as error:
            _require(
                error.status_code == 402,
                f"expected a 402, got {error.status_code}: {error.message}",
            )
            console.print(f"  call {iteration:3d}: [yellow]402[/yellow], the SDK raised {type(error).__name__}")
            return iteration - 1, error.message
        text = answer.parse().choices[0].message.content
        messages += [{"role": "assistant", "content": text}, {"role": "user", "content": "Go on."}]
        spent = answer.headers["x-agentwatch-session-spent-usd"]
        console.print(f"  call {iteration:3d}: ok, session has spent ${spent}")
    raise StackError(f"{ITERATIONS_MAX} calls and the budget never stopped the loop")


def _recorded(stack: Stack, calls: int) -> tuple[int, int, int]:
    """Rows, their nano-dollars, and how many of them are refusals, once all have arrived."""
    if stack.postgres_dsn is None:
        raise StackError("the demo needs the embedded database; unset SUPABASE_URL")
    deadline = time.monotonic() + RECORDED_TIMEOUT_S
    with psycopg.connect(stack.postgres_dsn, autocommit=True) as connection:
        while True:
            row = connection.execute(
                "select count(*), coalesce(sum(cost_nanousd), 0)::bigint,"
                " count(*) filter (where outcome = 'refused')"
                " from llm_request_logs where session_id = %s",
                (SESSION_ID,),
            ).fetchone()
            assert row is not None, "an aggregate has one row"
            if row[0] >= calls:
                return row
            if time.monotonic() > deadline:
                raise StackError(f"only {row[0]} of {calls} calls were recorded; see the logs in .local/demo/logs")
            time.sleep(0.2)


def _get(url: str, token: str) -> dict[str, Any]:
    with urlopen(Request(url, headers={"authorization": f"Bearer {token}"}), timeout=10) as response:
        return dict(json.loads(response.read()))


def _require(is_true: bool, otherwise: str) -> None:
    if not is_true:
        raise StackError(otherwise)
