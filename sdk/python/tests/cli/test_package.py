"""The SDK without the command's packages."""

from __future__ import annotations

import os
import subprocess
import sys

from cli.conftest import SOURCES

WITHOUT = "import sys\nfor name in ('typer', 'rich', 'httpx', 'click'): sys.modules[name] = None\n"


def run(program: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(SOURCES)}
    return subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, timeout=60, check=False
    )


def test_the_command_says_in_one_line_what_to_install() -> None:
    done = run(f"{WITHOUT}from agentwatch.cli.main import main\nmain()")

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.count("\n") == 1
    assert "pip install 'agentwatch[cli]'" in done.stderr


def test_the_sdk_imports_nothing_of_the_command() -> None:
    program = """
import sys
import agentwatch
agentwatch.session, agentwatch.wrap
print(sorted({"agentwatch.cli", "typer", "rich", "httpx"} & set(sys.modules)))
"""
    done = run(program)

    assert (done.returncode, done.stdout) == (0, "[]\n"), done.stderr


def test_a_fault_of_the_command_s_own_packages_is_not_hidden() -> None:
    done = run("import sys\nsys.modules['agentwatch.cli.app'] = None\nfrom agentwatch.cli.main import main\nmain()")

    assert done.returncode == 1
    assert "pip install" not in done.stderr
