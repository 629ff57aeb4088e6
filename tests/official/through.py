"""A pytest plugin that gives a suite's clients a token of AgentWatch's with a provider key behind it, in the place of the
key that their fixtures name, and reports with what code a call was refused.

Tests that script their answers (respx) are left out: nothing of theirs goes anywhere.
"""

import os
from typing import Any

import pytest

SCRIPTED = {"respx_mock", "respx2_mock"}


def pytest_plugin_registered(plugin: Any) -> None:
    """The fixtures read the key from their module when they are first used."""
    for name in ("api_key", "admin_api_key"):
        if isinstance(getattr(plugin, name, None), str):
            setattr(plugin, name, os.environ["AGENTWATCH_SUITE_KEY"])


def pytest_collection_modifyitems(items: list[Any]) -> None:
    items[:] = [item for item in items if SCRIPTED.isdisjoint(item.fixturenames)]


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_makereport(item: Any, call: Any) -> None:
    raised = getattr(call.excinfo, "value", None)
    body = getattr(raised, "body", None)
    error = body.get("error", body) if isinstance(body, dict) else {}
    if isinstance(error, dict) and error.get("code"):
        item.user_properties.append(("refusal", " ".join(filter(None, (error["code"], error.get("param"))))))
