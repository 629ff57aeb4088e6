"""`pytest tests/golden --rewrite-golden` rewrites what the golden tests expect; the diff is the review."""

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--rewrite-golden", action="store_true", default=False)
