"""`python -m tests.official [openai|anthropic|groq]…`: run the official clients' own tests as they are, with the watched
clients in place, and through AgentWatch, and tell what differs.

Behind all of them is a mock of the provider's whole API, made from the client (`spec_mock`). A test that passes as it is
and fails otherwise is ours to explain: through AgentWatch, by a refusal that is meant.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer
from rich.table import Table

from local.processes import Child, answers, free_port
from local.stack import Stack
from tests.official.page import Through, write
from tests.official.suites import PREVIOUS, ROOT, Outcomes, Suite, console, suite_of

API_TESTS = {"openai": "tests/api_resources tests/lib/test_fine_tuning_positional_arguments.py"}
"""Those that ask the API, where they are not the resources' alone; the others script what comes back, or ask nobody."""
ROOTS = {"openai": "", "anthropic": "/v1", "groq": "/openai/v1"}
"""Where a client finds the API below the base URL that its suite sets, and so does the mock of it."""
PROXIES = {"openai": "/v1/proxy/openai/v1", "anthropic": "/v1/proxy/anthropic", "groq": "/v1/proxy/groq"}
WATCHED = ("openai", "anthropic")
TENANTS = {"by default": "live", "unmetered paths allowed": "other_tenant"}
START_S = 60.0


class Way(StrEnum):
    """What is put in a suite's way."""

    WATCHED = "watched"
    THROUGH = "through"


def main(
    suites: Annotated[list[str] | None, typer.Argument(help="openai, anthropic, groq, or all of them.")] = None,
    way: Annotated[Way | None, typer.Option(help="With the watched clients, or through AgentWatch; else both.")] = None,
    previous: Annotated[bool, typer.Option(help="The previous majors instead of the present ones.")] = False,
    only: Annotated[
        str, typer.Option(help="Which of their tests, by path; through AgentWatch: of those of the API.")
    ] = "",
    page: Annotated[bool, typer.Option(help="Write what came through to docs/official-suites.md.")] = False,
) -> None:
    """Run, compare, and exit 1 where a test passes with the official client alone."""
    if page and (previous or only):
        raise typer.BadParameter("the page is of the present majors' whole suites", param_hint="--page")
    chosen = [suite_of(each, previous=previous) for each in suites or (WATCHED if previous else ROOTS)]
    lost: list[str] = []
    if way != Way.THROUGH:
        lost += _watched([suite for suite in chosen if suite.client in WATCHED], only=only or "tests")
    if way != Way.WATCHED:
        came = [_through(suite, only=only or API_TESTS.get(suite.client, "tests/api_resources")) for suite in chosen]
        lost += _told_through(came)
        if page:
            write(came)
    raise typer.Exit(bool(lost))


# With the watched clients ------------------------------------------------------------------------------------------------


def _watched(suites: list[Suite], *, only: str) -> list[str]:
    table = Table(
        "suite", "passes both times", "fails both times", "skipped", "fails watched only", "passes watched only"
    )
    lost: list[str] = []
    for suite in suites:
        with _spec_mock(suite) as url:
            env = {"TEST_API_BASE_URL": url, "AGENTWATCH_SUITE": suite.client}
            plain = suite.run("as it is", only=only, env=env)
            watched = suite.run("watched", only=only, plugin="in_place", env=env)
        same = [plain[test].result for test in plain.keys() & watched.keys() if plain[test] == watched[test]]
        fallen = _fallen(plain, watched)
        table.add_row(
            suite.folder.name, *(str(same.count(each)) for each in ("passed", "failed", "skipped")),
            str(len(fallen)), str(len(_fallen(watched, plain))),
        )  # fmt: skip
        lost += fallen
    console.print(table)
    for test in sorted(lost):
        console.print(f"fails watched only: {test}", soft_wrap=True, markup=False)
    return lost


def _fallen(before: Outcomes, after: Outcomes) -> list[str]:
    """Which tests pass before and not after."""
    return [test for test in before if before[test].result == "passed" and not _passes(after, test)]


def _passes(outcomes: Outcomes, test: str) -> bool:
    return test in outcomes and outcomes[test].result == "passed"


# Through AgentWatch ------------------------------------------------------------------------------------------------------


def _through(suite: Suite, *, only: str) -> Through:
    with _spec_mock(suite) as url, _stack(suite, url) as stack:
        plain = suite.run("asking the mock", only=only, plugin="through", env=_settings(url, "sk-own"))
        behind = {
            tenant: suite.run(
                f"through {tenant}", only=only, plugin="through",
                env=_settings(stack.edge_url + PROXIES[suite.client], f"{stack.tokens[token]}:sk-own"),
            )
            for tenant, token in TENANTS.items()
        }  # fmt: skip
    return Through(suite.folder.name, suite.size(), plain, behind)


def _settings(url: str, key: str) -> dict[str, str]:
    return {"TEST_API_BASE_URL": url, "AGENTWATCH_SUITE_KEY": key}


def _told_through(came: list[Through]) -> list[str]:
    table = Table("suite", "tenant", "passes as it is", "passes through", "refused on purpose", "fails through only")
    lost: list[str] = []
    for each in came:
        for tenant in each.behind:
            refused, fallen = each.refused(tenant), each.unexplained(tenant)
            table.add_row(
                each.suite, tenant, str(len(each.passing())), str(each.passes(tenant)),
                ", ".join(f"{kind}: {count}" for kind, count in refused.items()), str(len(fallen)),
            )  # fmt: skip
            lost += fallen
    console.print(table)
    for test in sorted(set(lost)):
        console.print(f"fails through AgentWatch only: {test}", soft_wrap=True, markup=False)
    return lost


# What is behind them -----------------------------------------------------------------------------------------------------


@contextmanager
def _spec_mock(suite: Suite) -> Iterator[str]:
    """The whole API as this version of the client has it."""
    port = free_port()
    path = [*([str(PREVIOUS)] if suite.previous else []), str(ROOT)]
    mock = Child(
        f"spec-mock-{suite.folder.name}",
        [sys.executable, "-m", "tests.official.spec_mock", suite.client, str(port)],
        suite.folder.parent,
        env={"PYTHONPATH": os.pathsep.join(path)},
        cwd=ROOT,
    )
    url = f"http://127.0.0.1:{port}"
    try:
        mock.wait_until(lambda: answers(f"{url}{ROOTS[suite.client]}/models", timeout_s=5), timeout_s=START_S)
        yield url
    finally:
        mock.stop()


@contextmanager
def _stack(suite: Suite, mock_url: str) -> Iterator[Stack]:
    """With two tenants: one has not said anything, the other lets unmetered paths through."""
    provider = suite.client.upper()
    env = {f"{provider}_BASE_URL": mock_url + ROOTS[suite.client], f"{provider}_API_KEY": "sk-shared"}
    kv = {"t:other:config": {"requests_per_minute": 1_000_000, "allow_unmetered_paths": True}}
    with (
        TemporaryDirectory() as folder,
        Stack(Path(folder) / "state", env=env, kv=kv, with_database=False) as stack,
    ):
        yield stack


if __name__ == "__main__":
    typer.run(main)
