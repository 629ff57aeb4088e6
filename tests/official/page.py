"""What came of the official suites through AgentWatch, and the table of it in docs/official-suites.md.

The rule easy to break: a refusal explains a failure only where the page says why it is meant.
"""

import re
from collections import Counter
from dataclasses import dataclass

from tests.official.suites import ROOT, Outcome, Outcomes

PAGE = ROOT / "docs" / "official-suites.md"
_TABLE = re.compile(r"(<!-- suites: begin -->\n).*(<!-- suites: end -->)", re.DOTALL)


@dataclass(frozen=True)
class Through:
    """One suite: its size, and the tests that ask the API, as they are and behind each tenant."""

    suite: str
    size: int
    plain: Outcomes
    behind: dict[str, Outcomes]

    def passing(self) -> list[str]:
        return [test for test, outcome in self.plain.items() if outcome.result == "passed"]

    def skipped(self) -> int:
        return sum(outcome.result == "skipped" for outcome in self.plain.values())

    def passes(self, tenant: str) -> int:
        return sum(self._after(test, tenant).result == "passed" for test in self.passing())

    def refused(self, tenant: str) -> Counter[str]:
        """How many tests met each refusal that is meant."""
        refusals = (self._after(test, tenant).refusal for test in self.passing())
        return Counter(refusal for refusal in refusals if refusal in meant())

    def unexplained(self, tenant: str) -> list[str]:
        """Tests that pass as they are and fail here by no refusal that is meant."""
        after = {test: self._after(test, tenant) for test in self.passing()}
        return [test for test, each in after.items() if each.result != "passed" and each.refusal not in meant()]

    def _after(self, test: str, tenant: str) -> Outcome:
        return self.behind[tenant].get(test, Outcome("gone"))


def meant() -> set[str]:
    """The refusals that the page explains: a code, and the member where it names one."""
    rows = re.findall(r"^\| `(\w+)`(?:, `([\w.]+)`)? \|", PAGE.read_text(), re.MULTILINE)
    return {" ".join(filter(None, row)) for row in rows}


def write(came: list[Through]) -> None:
    """The table, between its marks; suites that were not run keep their rows."""
    page = PAGE.read_text()
    rows = {_client(row): row for row in re.findall(r"^\| (?:openai|anthropic|groq)-.*$", page, re.MULTILINE)}
    rows |= {_client(row): row for row in map(_row, came)}
    head = ["suite", "its tests", "ask the API", "skipped there", "pass as they are"]
    head += [f"{what}, {tenant}" for tenant in came[0].behind for what in ("pass through", "refused")]
    lines = [_line(head), _line(["---"] * len(head)), *(rows[client] for client in sorted(rows))]
    PAGE.write_text(_TABLE.sub(lambda marks: "\n".join([marks[1], *lines, "", marks[2]]), page))


def _client(row: str) -> str:
    return row.partition("-")[0]


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _row(each: Through) -> str:
    row = [each.suite, each.size, len(each.plain), each.skipped(), len(each.passing())]
    for tenant in each.behind:
        refused = ", ".join(f"{count} `{kind}`" for kind, count in sorted(each.refused(tenant).items()))
        row += [each.passes(tenant), refused or "none"]
    return _line([str(cell) for cell in row])
