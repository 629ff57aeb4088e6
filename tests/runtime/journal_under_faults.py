"""Calls through the genuine stack while the parts behind the Ledger come and go: `python -m tests.runtime.journal_under_faults`
says what came of 20,000.

The queue refuses; PostgREST and PostgreSQL stop and start again; workerd is killed when calls are settled and none of
them is delivered; and the database refuses one row in a hundred. At the end each call must be one row, and rows, Ledger
and provider must agree to the nano-dollar. While there are messages in the local queue, workerd is not killed: the
simulator keeps them in memory, where Cloudflare's are durable.
"""

import asyncio
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from typing import Annotated, Any

import httpx
import psycopg
import typer

from local.stack import Stack

CHAT = "/v1/proxy/openai/v1/chat/completions"
BODY = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "hello"}], "max_tokens": 20}
CONFIG = {"t:demo:config": {"requests_per_minute": 1_000_000}}
LANES = 16
SESSIONS = 20
POISON = "poison"
POISON_EVERY = 100
REST_CRON = "*/10 * * * *"
SETTLED_S_MAX = 900.0
"""A message that met a closed database waits up to some minutes for its next delivery."""

Say = Callable[[str], None]


@dataclass(frozen=True)
class Books:
    """What is known of the calls at the end, and how they got there."""

    calls: int
    rows: int
    request_ids: int
    letters: int
    """Records that the database had refused."""
    rows_nanousd: int
    ledger_nanousd: int
    billed_nanousd: int
    kills: int

    @property
    def are_right(self) -> bool:
        is_each_one_row = self.calls == self.rows == self.request_ids
        return is_each_one_row and self.rows_nanousd == self.ledger_nanousd == self.billed_nanousd

    def __str__(self) -> str:
        return (
            f"{self.calls} calls, {self.rows} rows of {self.request_ids} calls, {self.letters} of them by way of the "
            f"dead letters; {self.kills} kills of workerd\n"
            f"nano-dollars: {self.rows_nanousd} in rows, {self.ledger_nanousd} in the Ledger, "
            f"{self.billed_nanousd} billed by the provider"
        )


class Run:
    """A run on a stack with gates, whose database refuses what is poison."""

    def __init__(self, stack: Stack, say: Say) -> None:
        self._stack = stack
        self._say = say
        self._made = self._kills = 0

    def play(self, calls: int, *, calls_per_round: int) -> Books:
        """Make the calls round by round, each with its fault, and wait until all are told."""
        faults = cycle((self._without_the_queue, self._killed, self._without("postgrest"), self._without("postgres")))
        with self._poisoned():
            while self._made < calls:
                next(faults)(min(calls_per_round, calls - self._made))
                self._say(f"{self._made} calls made, {self._count('llm_request_logs')} rows")
            self._until("every call is a row or a letter", lambda: self._told() == self._made)
            letters = self._count("dead_letters")
        self._replay_letters()
        return self._books(letters)

    # Rounds -------------------------------------------------------------------------------------------

    def _without_the_queue(self, calls: int) -> None:
        self._stack.set_gate("queue", is_open=False)
        self._call(calls)
        self._stack.set_gate("queue", is_open=True)

    def _killed(self, calls: int) -> None:
        """Between the settlements of these calls and their delivery."""
        self._until("nothing is on its way", lambda: self._told() == self._made)
        self._stack.set_gate("queue", is_open=False)
        self._call(calls)
        self._until("every call is settled", lambda: self._held_nanousd() == 0)
        self._stack.restart_workers()
        self._kills += 1

    def _without(self, part: Any) -> Callable[[int], None]:
        def round_(calls: int) -> None:
            self._stack.database.take_away(part)
            self._call(calls)
            self._stack.database.bring_back(part)

        return round_

    def _call(self, calls: int) -> None:
        numbers = iter(range(self._made, self._made + calls))

        async def lane(client: httpx.AsyncClient) -> None:
            for number in numbers:
                response = await client.post(CHAT, json=BODY, headers=self._headers(number))
                assert response.status_code == 200, response.text

        async def lanes() -> None:
            async with httpx.AsyncClient(base_url=self._stack.edge_url, timeout=120) as client:
                await asyncio.gather(*(lane(client) for _ in range(LANES)))

        asyncio.run(lanes())
        self._made += calls

    def _headers(self, number: int) -> dict[str, str]:
        return {
            "authorization": f"Bearer {self._stack.tokens['live']}",
            "x-agentwatch-session-id": _session(number % SESSIONS),
            "x-agentwatch-project": POISON if number % POISON_EVERY == 0 else "healthy",
        }

    # What is known ------------------------------------------------------------------------------------

    def _books(self, letters: int) -> Books:
        with self._sql() as sql:
            found = sql.execute(
                "select count(*), count(distinct request_id), coalesce(sum(cost_nanousd), 0) from llm_request_logs"
            ).fetchone()
        assert found is not None
        entries = httpx.get(f"{self._stack.mock_url}/_mock/journal", timeout=120).json()["entries"]
        return Books(
            calls=self._made,
            rows=found[0],
            request_ids=found[1],
            letters=letters,
            rows_nanousd=int(found[2]),
            ledger_nanousd=sum(round(check["spent_usd"] * 1e9) for check in self._checks()),
            billed_nanousd=sum(entry["billed_nanousd"] for entry in entries),
            kills=self._kills,
        )

    def _held_nanousd(self) -> int:
        return sum(round(check["held_usd"] * 1e9) for check in self._checks())

    def _checks(self) -> list[dict[str, Any]]:
        headers = {"authorization": f"Bearer {self._stack.tokens['live']}"}
        with httpx.Client(base_url=self._stack.edge_url, headers=headers, timeout=60) as client:
            return [client.get(f"/v1/budget-check?session_id={_session(number)}").json() for number in range(SESSIONS)]

    def _told(self) -> int:
        return self._count("llm_request_logs") + self._count("dead_letters")

    def _count(self, table: str) -> int:
        with self._sql() as sql:
            found = sql.execute(f"select count(*) from {table}").fetchone()  # type: ignore[arg-type]
        assert found is not None
        return int(found[0])

    def _sql(self) -> psycopg.Connection[Any]:
        assert self._stack.postgres_dsn is not None
        return psycopg.connect(self._stack.postgres_dsn, autocommit=True)

    @contextmanager
    def _poisoned(self) -> Iterator[None]:
        with self._sql() as sql:
            sql.execute(f"alter table llm_request_logs add constraint no_poison check (project <> '{POISON}')")
        yield
        with self._sql() as sql:
            sql.execute("alter table llm_request_logs drop constraint no_poison")

    def _replay_letters(self) -> None:
        """As an operator does once the cause is gone."""
        with self._sql() as sql:
            sql.execute("update dead_letters set replay_requested_at = now()")

        def is_done() -> bool:
            self._stack.run_cron("agentwatch-telemetry", REST_CRON)
            return self._count("llm_request_logs") >= self._made

        self._until("every letter is a row", is_done)

    def _until(self, what: str, is_so: Callable[[], bool]) -> None:
        deadline = time.monotonic() + SETTLED_S_MAX
        while not is_so():
            if time.monotonic() > deadline:
                raise AssertionError(f"it did not come about that {what}: {self._told()} of {self._made} are told")
            time.sleep(0.5)


def _session(number: int) -> str:
    return f"journal-{number}"


def main(
    calls: Annotated[int, typer.Option(min=100, help="How many calls to make.")] = 20_000,
    calls_per_round: Annotated[int, typer.Option(min=10, help="Between one fault and the next.")] = 1_000,
) -> None:
    """Make calls while the parts behind the Ledger come and go, and compare the books. Fails where they differ."""
    with (
        tempfile.TemporaryDirectory() as folder,
        Stack(Path(folder) / "state", kv=CONFIG, has_gates=True, say=print) as stack,
    ):
        books = Run(stack, print).play(calls, calls_per_round=calls_per_round)
    print(books)
    raise typer.Exit(0 if books.are_right else 1)


if __name__ == "__main__":
    typer.run(main)
